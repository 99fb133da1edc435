"""Pictures out of media files: the only importer of PyAV.

opening      path -> container, or one sentence why not
orientation  how a stored picture is turned
source       pictures of a file in order of time, exact by PTS
shrinking    a decoded picture -> a small array
probing      what a file is
placing      file time <-> programme time
reading      the pictures of a programme
compact      pictures and sound, small enough for a page
sheet        some pictures of a programme in one
"""

from v2m.frames.probing import MediaInfo, probe
from v2m.frames.reading import BATCH_SIZE, FrameBatch, read_frames
from v2m.frames.sheet import Sheet, SheetGatherer
from v2m.frames.shrinking import SMALL

__all__ = [
    "BATCH_SIZE",
    "SMALL",
    "FrameBatch",
    "MediaInfo",
    "Sheet",
    "SheetGatherer",
    "probe",
    "read_frames",
]
