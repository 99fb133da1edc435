"""OES-Pub: the public evaluation clips of the Open Screen Soundtrack Library (OSSL), films in public domain.

    FOLDER/valid_meta.csv            film_id, clip_id, caption, mood (test_meta.csv, meta.csv: the same)
    FOLDER/FILM_CLIP.mp4             a clip of 30 s, anywhere below
    FOLDER/FILM_CLIP.wav             its soundtrack, beside or elsewhere below

A list without film_id and clip_id, as OES-Com has it, names clips by their row: `0.mp4`, `0_music.wav`.
The prompt is put together of mood and caption as the dataset's authors do for their model.
FAD on this benchmark is FAD*: the clips' own sound holds speech and effects, so SongDescriber is its
reference.
Sources: Kim et al., ISMIR 2025 (arXiv 2506.12573); layout after the loader published with it.
"""

from __future__ import annotations

from pathlib import Path

from v2m.errors import InputError
from v2m.evaluation.clip import AUDIO_SUFFIXES, VIDEO_SUFFIXES, Benchmark, Clip, media_by_stem
from v2m.evaluation.readers.listing import read_rows

_LISTS = ("test_meta.csv", "valid_meta.csv", "meta.csv")


def read(folder: Path) -> Benchmark:
    """Read the folder.

    Raises:
        InputError: there is no list in it, or none of its clips.
    """
    found = [path for name in _LISTS for path in (folder / name, folder / "oes-pub" / name) if path.is_file()]
    if not found:
        raise InputError(f"{folder} holds none of {', '.join(_LISTS)}, expected OSSL as published.")
    videos, sounds = media_by_stem(folder, VIDEO_SUFFIXES), media_by_stem(folder, AUDIO_SUFFIXES)
    clips, absent = [], 0
    for number, row in enumerate(read_rows(found[0], ("caption", "mood"))):
        id_ = f"{row['film_id']}_{row['clip_id']}" if "film_id" in row and "clip_id" in row else str(number)
        if id_ not in videos:
            absent += 1
            continue
        prompt = f"a film soundtrack for a {row['mood']} scene. {row['caption']}".strip()
        audio = sounds.get(id_) or sounds.get(f"{id_}_music")
        clips.append(Clip(id_, videos[id_], prompt, audio, kind=row["mood"]))
    notes = (f"{absent} clips of {found[0].name} have no video here.",) if absent else ()
    return Benchmark(
        "oes-pub", "OES-Pub", tuple(clips), ("fad", "clap", "sch"), "SongDescriber (FAD*)",
        "films in public domain; annotations as OSSL says", notes,
    )  # fmt: skip
