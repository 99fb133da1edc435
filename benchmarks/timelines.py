"""Every timeline of some folders: read and scored and given back, or one sentence that says why not.

    python benchmarks/timelines.py DIR ...                   such as the samples of OpenTimelineIO's adapters
    python benchmarks/timelines.py --dry DIR ...             no music is composed: a silence is placed
    python benchmarks/timelines.py --dry --every DIR ...     and given back in every other format too

Each document is scored as by `v2m score`, its first seconds where it is longer, in two sampling steps, as the
notes do not matter here, and given back in its own format. Taken away again, our music must leave the input:
the same bytes where the format is text or XML, the same JSON where it is OpenTimelineIO; an AAF, which its
adapter writes anew, must be read as the same shots, unless a note told what it cannot hold. In other formats
it must leave what is written of the document without music. Printed for each are its rate, frames, cuts and
markers, and `exact` or what is not; or the sentence. What is neither music nor a sentence is a CRASH, and the
exit status is 1.

Conventions: a document is copied to a folder of its own and its media stay behind, so nearly all are scored
by their cuts alone. Files of a suffix that V2M does not read are left out.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import shutil
import sys
import tempfile
import wave
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from footage import MEDIA, require_media
from v2m_daemon.cli import main as v2m
from v2m_otio.exchange.kinds import FORMATS, SUFFIXES, Format
from v2m_otio.exchange.writing import base_bytes, scored_bytes, without_music
from v2m_otio.place import Placement
from v2m_otio.read import Document, open_document, read_document

from v2m.errors import V2MError
from v2m.timebase import samples_covering

LONGEST_S = 8
"""What is scored of a document: a feature film shows nothing new here and takes an hour."""

Verdict = Literal["scored", "refused", "CRASH"]


@dataclass(frozen=True)
class Told:
    """What came of one document."""

    path: Path
    verdict: Verdict
    words: str


def documents(folders: list[Path]) -> Iterator[Path]:
    """All that V2M reads by its suffix; a folder with the suffix of a bundle is one."""
    for folder in folders:
        for path in sorted([folder] if folder.is_file() else folder.rglob("*")):
            inside = any(parent.suffix == ".otiod" for parent in path.parents)
            if path.suffix.lower() in SUFFIXES and not inside:
                yield path


def told(path: Path, *, dry: bool, every: bool) -> Told:
    """One document to its end."""
    with tempfile.TemporaryDirectory(prefix="v2m-timelines-") as name:
        copied = Path(name) / path.name
        (shutil.copytree if path.is_dir() else shutil.copyfile)(path, copied)
        try:
            with open_document(copied) as document:
                words = [facts(document)]
                form = own_format(document)
                words.append(round_trip(document, form, *scored(copied, document, form, dry=dry)))
                words += other_formats(document, form) if every else []
            return Told(path, "scored", ", ".join(words))
        except V2MError as error:
            return Told(path, "refused", error.sentence())
        except Exception as error:  # whatever it is, it is what is looked for here
            return Told(path, "CRASH", f"{type(error).__name__}: {error}")


def facts(document: Document) -> str:
    """What was read."""
    line = document.timeline
    length = f"{line.rate!s:>10} fps {line.frame_count:>6} frames"
    return f"{length} {len(line.cuts):>4} cuts {len(line.markers):>3} markers"


def own_format(document: Document) -> Format:
    """The one that it came in."""
    return next(form for form in FORMATS if form.kind == document.kind)


def scored(copied: Path, document: Document, form: Format, *, dry: bool) -> tuple[Path, tuple[str, ...]]:
    """The document with music in it, beside the document; and the notes.

    Raises:
        V2MError: the sentence that `v2m score` ends with.
    """
    if dry:
        made = copied.with_name(f"{copied.stem}_scored{form.suffix}")
        raw, notes = scored_bytes(document, silence(document, copied.parent), made, form)
        made.write_bytes(raw)
        return made, notes
    seconds = min(document.timeline.duration_s, Fraction(LONGEST_S))
    arguments = ["score", str(copied), "--out", str(copied.parent), "--steps", "2", "--seed", "1"]
    result, words = io.StringIO(), io.StringIO()
    arguments += ["--to", form.name, "--out-point", f"{float(seconds):.6f}", "--no-report", "--json"]
    with contextlib.redirect_stdout(result), contextlib.redirect_stderr(words):
        code = v2m(arguments)
    answer: dict[str, Any] = json.loads(result.getvalue() or "{}")
    if code != 0:
        raise V2MError(answer.get("error", {}).get("message") or words.getvalue())
    return Path(answer["timeline"]), tuple(answer["notes"])


def silence(document: Document, folder: Path) -> Placement:
    """Music without a sound from the third frame on."""
    line = document.timeline
    start = min(3, line.frame_count - 1)
    length_s = min((line.frame_count - start) / line.rate, Fraction(LONGEST_S))
    length_s = Fraction(max(1, int(length_s * line.rate))) / line.rate
    path = folder / "music.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 3, 48000, 0, "NONE", ""))
        file.writeframes(bytes(6 * samples_covering(length_s)))
    return Placement(path, start / line.rate, length_s)


def round_trip(document: Document, form: Format, made: Path, notes: tuple[str, ...]) -> str:
    """Whether the input comes back when our music is taken away."""
    if form.kind == "aaf":
        again, before = read_document(made).timeline, document.timeline
        if [shot.duration_s for shot in again.shots] == [shot.duration_s for shot in before.shots]:
            return "read again as the same shots"
        lost = [note for note in notes if "written" in note]
        return lost[0] if lost else "DIFFERS: other shots are read again"
    if form.kind != "otio":
        exact = without_music(made.read_bytes(), form) == document.path.read_bytes()
        return "exact" if exact else "DIFFERS from the input"
    before, after = json.loads(document.text), json.loads(without_music(made.read_bytes(), form))
    return "exact" if before == after else "DIFFERS from the input"


def other_formats(document: Document, own: Format) -> Iterator[str]:
    """The formats that take it, and the sentences of those that do not."""
    for form in FORMATS:
        if form.kind in (own.kind, "otio"):
            continue
        out = document.path.with_name(f"other{form.suffix}")
        try:
            base = base_bytes(document, form)
            made, _ = scored_bytes(document, silence(document, out.parent), out, form)
        except V2MError as error:
            yield f"{form.name}: {error.sentence()}"
            continue
        exact = form.kind == "aaf" or without_music(made, form) == base
        yield form.name if exact else f"{form.name} DIFFERS from what it is without music"


def main() -> int:
    """Print a line for each; 1 if any crashed or did not come back."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "folders", metavar="DIR", nargs="*", type=Path, help=f"{MEDIA}/timelines if not given"
    )
    parser.add_argument("--dry", action="store_true", help="place a silence, compose nothing")
    parser.add_argument("--every", action="store_true", help="write every other format too")
    arguments = parser.parse_args()
    if not arguments.folders:
        require_media()
    counted: Counter[str] = Counter()
    for path in documents(arguments.folders or [MEDIA / "timelines"]):
        one = told(path, dry=arguments.dry, every=arguments.every)
        counted[one.verdict] += 1
        counted["differ"] += "DIFFERS" in one.words
        print(f"{one.path.name:<46} {one.verdict:<8}{one.words}", flush=True)
    total = sum(counted[verdict] for verdict in ("scored", "refused", "CRASH"))
    print(
        f"{total} documents: {counted['scored']} scored, {counted['refused']} refused by a sentence, "
        f"{counted['CRASH']} crashed, {counted['differ']} not given back as they were"
    )
    return 1 if counted["CRASH"] or counted["differ"] or not total else 0


if __name__ == "__main__":
    sys.exit(main())
