"""The cuts of plain video, found in its picture: the only importer of scenedetect.

hard     the picture is another one at once
gradual  fades through black, dissolves
video    a video file -> a timeline
"""

from v2m.shots.video import CutDetector, timeline_of_video

__all__ = ["CutDetector", "timeline_of_video"]
