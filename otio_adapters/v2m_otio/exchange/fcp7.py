"""Our music in Final Cut Pro 7 XML: one stereo clip on an audio track of its own, last in the sequence.

Sources: Apple's Final Cut Pro XML Interchange Format; `premiereTrackType` is what Premiere writes and
reads. A clip's frames are at the sequence's rate, which `ntsc` slows by 1000/1001.
"""

from __future__ import annotations

from collections.abc import Iterator

from v2m.errors import DocumentError
from v2m.timebase import frame_to_timecode
from v2m_otio.exchange.music import NAME, Music
from v2m_otio.exchange.xml_spans import Edit, Element, edited, escaped, parsed, put_last, taken_out

_ADDED = "\n"
"""Stands before our track in an `audio` that the sequence did not have: it goes with the track."""


def with_music(raw: bytes, music: Music) -> bytes:
    """The document with our music in place of any older.

    Raises:
        DocumentError: it has not exactly one sequence of its own.
    """
    raw = without_music(raw)
    sequence = _sequence(parsed(raw))
    media, track = sequence.child("media"), _track(music)
    if media is None:
        raise DocumentError("holds a sequence without media.")
    if (audio := media.child("audio")) is None:
        edit: Edit = put_last(media, f"<audio>{_ADDED}{track}</audio>")
    else:
        edit = put_last(audio, track)
    return edited(raw, [edit])


def without_music(raw: bytes) -> bytes:
    """The document without tracks of ours."""
    root = parsed(raw)
    audio = _sequence(root).child("media", "audio")
    ours = list(_ours(audio))
    if audio is not None and ours and audio.text == _ADDED and len(audio.children) == len(ours):
        ours = [audio]
    return taken_out(raw, root, ours)


def _ours(audio: Element | None) -> Iterator[Element]:
    for track in audio.all("track") if audio else ():
        clips = track.all("clipitem")
        if clips and all(_name(clip) == NAME for clip in clips):
            yield track


def _name(element: Element) -> str:
    name = element.child("name")
    return name.text if name else ""


def _sequence(root: Element) -> Element:
    """The sequence that no other one nests."""
    waiting, found = [root], []
    while waiting:
        element = waiting.pop(0)
        if element.tag == "sequence" and element.children:
            found.append(element)
        else:
            waiting = [*element.children, *waiting]
    if len(found) != 1:
        raise DocumentError(f"holds {len(found)} sequences, expected one.")
    return found[0]


def _track(music: Music) -> str:
    rate = f"<rate><timebase>{music.nominal_rate}</timebase><ntsc>{str(music.ntsc).upper()}</ntsc></rate>"
    frames = music.frame_count
    shown = frame_to_timecode(0, music.rate)
    file = (
        f'<file id="v2m-file"><name>{escaped(music.wav.name)}</name>'
        f"<pathurl>{escaped(music.wav.as_uri())}</pathurl>{rate}<duration>{frames}</duration>"
        f"<timecode>{rate}<string>{shown}</string><frame>0</frame><displayformat>NDF</displayformat></timecode>"
        "<media><audio><samplecharacteristics><depth>24</depth>"
        f"<samplerate>{music.sample_rate_hz}</samplerate></samplecharacteristics>"
        "<channelcount>2</channelcount></audio></media></file>"
    )
    clip = (
        f'<clipitem id="v2m-music" premiereChannelType="stereo"><name>{NAME}</name><enabled>TRUE</enabled>'
        f"<duration>{frames}</duration>{rate}<start>{music.start_frame}</start><end>{music.end_frame}</end>"
        f"<in>0</in><out>{frames}</out>{file}"
        "<sourcetrack><mediatype>audio</mediatype><trackindex>1</trackindex></sourcetrack></clipitem>"
    )
    return (
        '<track premiereTrackType="Stereo" currentExplodedTrackIndex="0" totalExplodedTrackCount="1">'
        f"{clip}<enabled>TRUE</enabled><locked>FALSE</locked></track>"
    )
