"""Programmes with random cuts, scored from words as the product does it: what several benchmarks judge.

A programme is a list of shots without pictures (0.7 s and longer, 2.5 s on average, as in `footage.py`); the
way from there to the notes is that of `v2m score`. Programmes are worked on in several processes, one thread
each: the same seed gives the same notes however many there are.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import TypeVar

import numpy as np
import torch
from footage import random_cuts_s
from v2m_training.compose import Piece

from v2m.analysis import Analysis, analyze
from v2m.backbones import load_backbone
from v2m.backbones.base import Backbone, Commission
from v2m.backbones.sketch import weights_path
from v2m.codecs.accents import BeatHit, accent_hits
from v2m.codecs.arrangement import Arrangement
from v2m.codecs.channels import channels_of, to_layout
from v2m.codecs.latents import decode
from v2m.codecs.pulse import mark_beats
from v2m.model.checkpoint import load_checkpoint
from v2m.piece import accented
from v2m.plan import TempoWish, plan_beats
from v2m.prompt.casting import silent_parts
from v2m.prompt.words import STYLE_BPM, read_prompt
from v2m.stages import never_cancel
from v2m.tempo import TempoMap
from v2m.timeline import Cut, Shot, Timeline

FRAME_RATE = 24
MOST_WORKERS = 4
"""Each holds the model and a SoundFont, half a gigabyte."""

_PLANNED, _PLANNED_BEATS, _FIRST_PLANNED = 16, 160, 7_000_000
"""Programmes that composed pieces are accented as: one of each style, as long as the longest composed piece,
and of other seeds than those that are scored."""

_A = TypeVar("_A")
_B = TypeVar("_B")


@dataclass(frozen=True)
class Job:
    """Words and a length in beats; the cuts come of the seed."""

    prompt: str
    seed: int
    beats: int = 96
    """About: at the middle of the tempi that the words allow. Composed pieces have 96-160."""

    adherence: float = 0.5
    steps: int | None = None


@dataclass(frozen=True)
class Scored:
    """What became of a job."""

    job: Job
    tempo_map: TempoMap
    alone: Arrangement
    """As the model wrote it, before anything was cast or accented."""

    played: Arrangement
    """As it is delivered."""


def score_job(job: Job) -> Scored:
    """From words and cuts to notes, as `v2m score` does it."""
    brief = read_prompt(job.prompt)
    analysis = cut_programme(60 * job.beats / (sum(brief.bpm_range) / 2), job.seed)
    plan = plan_beats(analysis, brief, TempoWish())
    commission = Commission(
        brief=brief, tempo_map=plan.tempo_map, duration_s=analysis.timeline.duration_s,
        curve=analysis.curve, hits=analysis.hits, seeds=(job.seed,), adherence=job.adherence, steps=job.steps,
    )  # fmt: skip
    composed = backbone().compose(commission, lambda fraction: None, never_cancel)[0]
    latents = to_layout(composed.latents, channels())
    return Scored(
        job,
        plan.tempo_map,
        decode(latents, composed.arrangement.tonic, brief.beats_per_bar),
        accented(composed.arrangement, analysis.hits, plan.tempo_map, silent_parts(brief)),
    )


@cache
def backbone() -> Backbone:
    """The embedded model, loaded once a process."""
    return load_backbone("sketch")


@cache
def channels() -> tuple[str, ...]:
    """What the shipped weights compose."""
    checkpoint = load_checkpoint(weights_path())
    return channels_of(checkpoint.notes, checkpoint.model.config.latent_channels)


def cut_programme(duration_s: float, seed: int) -> Analysis:
    """A programme of about that length, cut at random, of which only the cuts are known."""
    rng = random.Random(seed)  # noqa: S311 - a benchmark wants the same cuts again
    inner = [Fraction(round(time * FRAME_RATE), FRAME_RATE) for time in random_cuts_s(duration_s, rng)]
    seams = [Fraction(0), *inner, Fraction(round(duration_s * FRAME_RATE), FRAME_RATE)]
    shots = tuple(Shot(start, end - start) for start, end in pairwise(seams))
    cuts = tuple(Cut(time) for time in inner)
    return analyze(Timeline(Fraction(FRAME_RATE), seams[-1], shots, cuts))


def as_played(piece: Piece) -> Arrangement:
    """A composed piece leaning on the beats and accented at its events."""
    events = [(beat, strength, "cut") for beat, strength in piece.events]
    return accent_hits(mark_beats(piece.arrangement), events)


def as_delivered(piece: Piece, number: int) -> Arrangement:
    """A composed piece as it would score some programme: accented at its hits, on and off the beat."""
    hits = planned_hits()[number % len(planned_hits())]
    inside = [hit for hit in hits if hit[0] < piece.arrangement.beat_count]
    return accent_hits(mark_beats(piece.arrangement), inside)


@cache
def planned_hits() -> tuple[tuple[BeatHit, ...], ...]:
    """Where the hits of some programmes lie, in beats of their plans; made once a process."""
    return tuple(_planned_hits(_FIRST_PLANNED + i) for i in range(_PLANNED))


def _planned_hits(seed: int) -> tuple[BeatHit, ...]:
    brief = read_prompt(tuple(STYLE_BPM)[seed % len(STYLE_BPM)])
    analysis = cut_programme(60 * _PLANNED_BEATS / (sum(brief.bpm_range) / 2), seed)
    tempo_map = plan_beats(analysis, brief, TempoWish()).tempo_map
    cuts = [hit for hit in analysis.hits if hit.kind == "cut"]
    beats = tempo_map.beat_at(np.array([float(hit.time_s) for hit in cuts]))
    return tuple((float(beat), hit.weight, hit.kind) for beat, hit in zip(beats, cuts, strict=True))


def each(work: Callable[[_A], _B], jobs: Sequence[_A], workers: int) -> list[_B]:
    """Do all jobs, in several processes where there are several workers; the results are in their order."""
    if workers <= 1:
        return _counted(map(work, jobs), len(jobs))
    with multiprocessing.get_context("spawn").Pool(workers, torch.set_num_threads, (1,)) as pool:
        return _counted(pool.imap(work, jobs), len(jobs))


def _counted(results: Iterable[_B], total: int) -> list[_B]:
    """The results; how many there are is shown on a terminal."""
    done = []
    for result in results:
        done.append(result)
        if sys.stderr.isatty():
            print(f"\r{len(done)} of {total} ", end="", file=sys.stderr, flush=True)
    return done


def arguments_of(description: str | None) -> ArgumentParser:
    """A parser that knows what all these benchmarks take."""
    parser = ArgumentParser(description=description, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=min(MOST_WORKERS, os.cpu_count() or 1))
    parser.add_argument("--seed", type=int, default=0, help="another one draws other programmes")
    parser.add_argument("--steps", type=int, help="sampling steps")
    return parser
