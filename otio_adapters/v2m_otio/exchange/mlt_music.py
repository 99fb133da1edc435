"""Our music in an MLT project, Kdenlive's included: a track of its own that is mixed with all other sound.

MLT plays the topmost sound only, unless a `mix` transition joins two tracks: without one our music, or the
picture's own sound, would be silent. `always_active` keeps it from stopping at the first gap; `sum` adds the
samples as they are, where the default fades one into the other.

Conventions: `in` and `out` count frames and both belong to the clip; the last tractor of the file is the one
that plays, or, in projects of Kdenlive 23.04 and later, the sequence that it shows. Our track comes last, so
that no index of a transition moves.

Sources: the MLT XML documentation; Kdenlive's dev-docs/fileformat.md.
"""

from __future__ import annotations

import json

from v2m.errors import DocumentError
from v2m_otio.exchange.music import NAME, Music
from v2m_otio.exchange.xml_spans import Edit, Element, edited, escaped, parsed, put_last, quoted, taken_out
from v2m_otio.place import TRACK_NAME

PRODUCER = "v2m_music"
TRACK = "v2m_score"
_OURS = frozenset((PRODUCER, TRACK, f"{TRACK}_1", f"{TRACK}_2", f"{TRACK}_mix"))


def with_music(raw: bytes, music: Music) -> bytes:
    """The project with our music in place of any older.

    Raises:
        DocumentError: it has no tractor, or one that plays nothing.
    """
    raw = without_music(raw)
    root = parsed(raw)
    tractor, kdenlive = _sequence(root), _is_kdenlive(root)
    tracks = tractor.all("track")
    if not tracks:
        raise DocumentError("holds a project without tracks, expected one with picture.")
    at = tracks[-1].end
    hide = "" if kdenlive else ' hide="video"'
    transitions = tractor.all("transition")
    edits: list[Edit] = [
        (
            tractor.start,
            tractor.start,
            _producer(music, kdenlive=kdenlive) + _track(music, kdenlive=kdenlive),
        ),
        (at, at, f'<track producer="{TRACK}"{hide}/>'),
        _after(tractor, transitions[-1] if transitions else None, _mix(len(tracks))),
    ]
    main_bin = next((each for each in root.all("playlist") if each.attributes.get("id") == "main_bin"), None)
    if kdenlive and main_bin is not None:
        edits.append(
            put_last(main_bin, f'<entry producer="{PRODUCER}" in="0" out="{music.frame_count - 1}"/>')
        )
    return edited(raw, edits)


def without_music(raw: bytes) -> bytes:
    """The project without anything of ours."""
    root = parsed(raw)
    mine: list[Element] = []
    for element in root.below():
        named = {element.attributes.get("id"), element.attributes.get("producer")}
        if named & _OURS and (not mine or element.start >= mine[-1].end):  # not what lies in ours
            mine.append(element)
    return taken_out(raw, root, mine)


def _after(tractor: Element, last: Element | None, text: str) -> Edit:
    return (last.end, last.end, text) if last else put_last(tractor, text)


def _sequence(root: Element) -> Element:
    """The tractor whose tracks the user sees."""
    tractors = root.all("tractor")
    if not tractors:
        raise DocumentError("holds no tractor, expected a project with tracks.")
    last = tractors[-1]
    if _property(last, "kdenlive:projectTractor") == "1" and last.all("track"):
        shown = last.all("track")[-1].attributes.get("producer")
        return next((each for each in tractors if each.attributes.get("id") == shown), last)
    return last


def _is_kdenlive(root: Element) -> bool:
    return root.attributes.get("producer") == "main_bin"


def _property(element: Element, name: str) -> str:
    return next((each.text for each in element.all("property") if each.attributes.get("name") == name), "")


def _properties(**values: object) -> str:
    """Property elements; a double underscore in a name is a colon, as of Kdenlive's own."""
    return "".join(
        f"<property name={quoted(name.replace('__', ':'))}>{escaped(str(value))}</property>"
        for name, value in values.items()
    )


def _producer(music: Music, *, kdenlive: bool) -> str:
    own = {"kdenlive__clipname": NAME, "kdenlive__id": _bin_id(music)} if kdenlive else {}
    inside = _properties(
        resource=music.wav, mlt_service="avformat-novalidate" if kdenlive else "avformat",
        length=music.frame_count, eof="pause", seekable=1, video_index=-1,
        **{"set.test_image": 1, "set.test_audio": 0}, **own,
    )  # fmt: skip
    return f'<producer id="{PRODUCER}" in="0" out="{music.frame_count - 1}">{inside}</producer>'


def _bin_id(music: Music) -> int:
    """A number that no bin of a hand-made project comes to."""
    return 900_000 + music.start_frame % 1000


def _track(music: Music, *, kdenlive: bool) -> str:
    blank = f'<blank length="{music.start_frame}"/>' if music.start_frame else ""
    own = _properties(kdenlive__id=_bin_id(music)) if kdenlive else ""
    entry = f'<entry producer="{PRODUCER}" in="0" out="{music.frame_count - 1}">{own}</entry>'
    about = json.dumps({"start_frame": music.start_frame, "sample_count": music.sample_count})
    if not kdenlive:  # Shotcut reads its names, melt passes them over
        named = _properties(**{"shotcut:audio": 1, "shotcut:name": TRACK_NAME, "v2m": about})
        return f'<playlist id="{TRACK}">{named}{blank}{entry}</playlist>'
    audio = _properties(kdenlive__audio_track=1)
    named = audio + _properties(kdenlive__track_name=TRACK_NAME, v2m=about)
    return (
        f'<playlist id="{TRACK}_1">{audio}{blank}{entry}</playlist>'
        f'<playlist id="{TRACK}_2">{audio}</playlist>'
        f'<tractor id="{TRACK}" in="0" out="{music.end_frame - 1}">{named}'
        f'<track hide="video" producer="{TRACK}_1"/><track hide="video" producer="{TRACK}_2"/></tractor>'
    )


def _mix(index: int) -> str:
    inside = _properties(
        a_track=0, b_track=index, mlt_service="mix", always_active=1, sum=1, internal_added=237,
    )  # fmt: skip
    return f'<transition id="{TRACK}_mix">{inside}</transition>'
