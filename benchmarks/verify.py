"""Takes made again from their folders alone: whether the same bytes come, whatever was done to them before.

    python benchmarks/verify.py [--takes 10] [--seconds 20] [--first 80] [--compose 2]      (full: --takes 50)

Takes of real footage, cut at random, grow as a tree: each new one is a random change of a random earlier one,
and every seventh is scored anew. A change is a nudge, another end, another style with the rhythm locked, one
part made again, a part muted, a span composed again, or more that happens in one. Then each is made again as
`v2m take verify` does it; of some the latents too (`--compose`), which the same machine composes alike.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from footage import require_media
from retime import PROMPTS, chosen, scored

from v2m.backbones import load_backbone
from v2m.backbones.base import RenewingBackbone
from v2m.part_names import parts_of
from v2m.restyle import Restyling, restyle
from v2m.retime import MAX_BEND, Retiming, plan_retime, redo, retime, swell
from v2m.stages import StageClock
from v2m.swell import Swell
from v2m.take.opened import OpenedTake
from v2m.take.remake import compare, composed_alike, remake
from v2m.take.shelf import Shelf

Change = Callable[[OpenedTake, random.Random], Retiming | Restyling]

ANEW = 7
"""Every so many takes one is scored anew."""


def main() -> None:
    """Print one line a take, and how many came again."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--takes", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--first", type=int, default=80)
    parser.add_argument("--compose", type=int, default=2)
    options = parser.parse_args()
    require_media()
    backbone = load_backbone("sketch")
    rng = random.Random(options.first)  # noqa: S311 - the same changes again
    with tempfile.TemporaryDirectory(prefix="v2m-verify-") as name:
        folder = Path(name)
        takes: list[OpenedTake] = []
        for number in range(options.takes):
            if number % ANEW == 0:
                takes.append(scored(folder, options.first + number, options.seconds, backbone))
            else:
                takes.append(changed(rng.choice(takes), rng, folder, f"take-{number}", backbone))
        began, cpu = time.perf_counter(), time.process_time()
        same = [is_same(take) for take in takes]
        wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
        count = len(takes)
        print(f"same bytes {sum(same)}/{count}, {wall_s / count:.1f} s each, CPU {cpu_s / count:.2f}")
        composed = [composed_alike(take) for take in rng.sample(takes, min(options.compose, len(takes)))]
        print(f"composed alike {sum(composed)}/{len(composed)}")


def changed(
    take: OpenedTake, rng: random.Random, folder: Path, stem: str, backbone: RenewingBackbone
) -> OpenedTake:
    """A random change of a take, made."""
    change = rng.choice(CHANGES)
    wish = change(take, rng)
    with Shelf(folder) as shelf:
        if isinstance(wish, Restyling):
            made = restyle(take, wish, shelf=shelf, stem=stem, backbone=backbone)
        else:
            settled = take.settled if wish.redone or take.record.redone else take
            made = retime(settled, wish, shelf=shelf, stem=stem, backbone=backbone)
    print(f"{stem} is {take.name}, {change.__name__}", flush=True)
    return OpenedTake.read(made.folder)


def nudge(take: OpenedTake, rng: random.Random) -> Retiming:
    """One hit elsewhere."""
    base = take.settled if take.record.redone else take
    hit, to_s = chosen(base, rng)
    hits = [replace(each, time_s=to_s) if each.id == hit.id else each for each in base.record.hits]
    return Retiming(
        plan_retime(base.record.before, hits, base.record.duration_s), MAX_BEND, {"nudge": hit.id}
    )


def end(take: OpenedTake, rng: random.Random) -> Retiming:
    """The programme ends elsewhere."""
    base = take.settled if take.record.redone else take
    record = base.record
    end_s = record.duration_s + rng.randint(1, 40) / record.frame_rate
    hits = [replace(each, time_s=end_s) if each.kind == "end" else each for each in record.hits]
    return Retiming(plan_retime(record.before, hits, end_s), MAX_BEND, {"end": float(end_s)})


def another_style(take: OpenedTake, rng: random.Random) -> Restyling:
    """Other words, the rhythm as it was."""
    return Restyling(prompt=rng.choice(PROMPTS), locked=parts_of(["rhythm"]), asked={"style": True})


def one_part(take: OpenedTake, rng: random.Random) -> Restyling:
    """One part anew."""
    return Restyling(only=parts_of([rng.choice(sorted(take.sounding))]), asked={"only": True})


def mute(take: OpenedTake, rng: random.Random) -> Restyling:
    """One part silent, if another one plays."""
    parts = sorted(take.sounding)
    return Restyling(muted=parts_of(parts[:1] if len(parts) > 1 else ["extras"]), asked={"mute": True})


def span(take: OpenedTake, rng: random.Random) -> Retiming:
    """Some seconds anew."""
    at = Fraction(rng.randint(1, int(take.record.duration_s) - 6))
    return redo(take.settled, at, at + 4, rng.randrange(1000), take.record.prompt)


def more(take: OpenedTake, rng: random.Random) -> Retiming:
    """More or less in some bars."""
    at = rng.uniform(1, float(take.record.duration_s) - 6)
    return swell(take.settled, [Swell(at, at + 3, rng.choice((-1.5, 1.5)))], take.record.seed)


CHANGES: tuple[Change, ...] = (nudge, nudge, end, another_style, one_part, mute, span, more)


def is_same(take: OpenedTake) -> bool:
    """Whether every file of a take comes again."""
    fresh = OpenedTake.read(take.folder)
    with tempfile.TemporaryDirectory(prefix="v2m-again-") as name:
        remake(fresh, Path(name), StageClock())
        different = [file.name for file in compare(take.folder, Path(name)) if not file.identical]
    if different:
        print(f"{take.name} came otherwise: {', '.join(different)}", flush=True)
    return not different


if __name__ == "__main__":
    main()
