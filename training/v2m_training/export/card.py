"""The card of an adapter: what it was trained on, under which licences, how, and what it was measured at."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from v2m.backbones.sound.adapter import EventAdapter
from v2m.errors import OutputWriteError
from v2m_training.fit.config import FitConfig
from v2m_training.prepare.prepared import PreparedSet

_MEASURES = {
    "held_out_loss": "loss on held-out music",
    "follows": "correlation of the sound's curve with the one asked for",
    "follows_off": "the same without the curve, at the same words and noise",
    "gain": "mean difference of the two",
    "gain_low": "lower end of its 95 percent interval",
    "gain_high": "upper end of its 95 percent interval",
    "samples": "samples that the correlations are of",
}


def write_card(
    path: Path, config: FitConfig, prepared: PreparedSet, adapter: EventAdapter, measures: dict[str, float]
) -> None:
    """Write the card as Markdown.

    Raises:
        OutputWriteError: the file cannot be written.
    """
    parts = [
        _heading(path, config, adapter),
        _data(prepared),
        _curve(adapter),
        _training(config),
        _measured(measures),
    ]
    try:
        path.write_text("\n".join(parts), encoding="utf-8")
    except OSError as error:
        raise OutputWriteError(f"{path} could not be written: {error.strerror}.") from error


def _heading(path: Path, config: FitConfig, adapter: EventAdapter) -> str:
    return (
        f"# Event adapter for {config.family}\n\n"
        f"Base weights: `{adapter.base_sha256}`; latent frames a second: {adapter.latent_rate_hz}.\n"
        f"Use: `v2m score TIMELINE --backbone {config.family} --adapter {path.stem}.safetensors`\n"
    )


def _data(prepared: PreparedSet) -> str:
    hours: defaultdict[str, float] = defaultdict(float)
    for track in prepared.tracks:
        if track.split == "training":
            hours[track.licence] += track.duration_s / 3600
    count = sum(track.split == "training" for track in prepared.tracks)
    held_out = len(prepared.tracks) - count
    rows = "".join(f"| {name} | {value:.2f} |\n" for name, value in sorted(hours.items()))
    return (
        f"## Data\n\n{count} pieces of music, {sum(hours.values()):.2f} h; {held_out} more were held out, by "
        f"work. What may be done with the adapter is for these licences to say.\n\n"
        f"| licence | hours |\n|---|---|\n{rows}"
    )


def _curve(adapter: EventAdapter) -> str:
    rows = "".join(f"| {name} | {value} |\n" for name, value in adapter.recipe.items())
    low, high = adapter.trained_range
    return f"## Event curve\n\n| | |\n|---|---|\n{rows}| range in the training | {low:.2f} to {high:.2f} |\n"


def _training(config: FitConfig) -> str:
    return (
        f"## Training\n\nTrained: {config.trained}; {config.steps} steps of {config.batch_size} excerpts of "
        f"{config.crop_s:g} s; words dropped from {config.text_dropout:.0%} and curves from "
        f"{config.curve_dropout:.0%} of them, independently; seed {config.seed}.\n"
    )


def _measured(measures: dict[str, float]) -> str:
    rows = "".join(
        f"| {words} | {measures[name]:.4g} |\n" for name, words in _MEASURES.items() if name in measures
    )
    body = f"| | |\n|---|---|\n{rows}" if rows else "Nothing was measured.\n"
    return f"## Measured\n\n{body}"
