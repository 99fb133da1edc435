"""Ablations: runs that differ in what the model is told of the music's changes, and in nothing else.

A file lists arms; each says its curves and its dropout, the rest is a run's own settings:

    question = "How long should the smoothing window be?"
    [[arms]]
    name = "9 frames"
    curve = {kernels_s = [0.73]}

Conventions: as in `config`. `v2m-train fit --ablation FILE` trains all arms, each in a folder of its own.
Source: paper, section 5.3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from v2m.errors import UsageError
from v2m_training.fit.config import CurveInput, FitConfig


@dataclass(frozen=True)
class Arm:
    """One of the runs that are compared."""

    name: str
    curve: CurveInput = field(default_factory=CurveInput)
    curve_dropout: float = 0.1

    @property
    def folder(self) -> str:
        """Its name as a folder's."""
        return re.sub(r"[^a-z0-9.]+", "-", self.name.lower()).strip("-")


@dataclass(frozen=True)
class Ablation:
    """What is asked, and the runs that answer."""

    question: str
    arms: tuple[Arm, ...]

    def __post_init__(self) -> None:
        """Refuse what answers nothing.

        Raises:
            UsageError: no arms, or two that share a folder.
        """
        folders = [arm.folder for arm in self.arms]
        if not folders or len(set(folders)) < len(folders):
            raise UsageError(f"An ablation needs arms of different names, here are {folders}.")

    def chosen(self, name: str | None) -> tuple[Arm, ...]:
        """All arms, or the one of a name.

        Raises:
            UsageError: no arm has it.
        """
        if name is None:
            return self.arms
        found = tuple(arm for arm in self.arms if arm.name == name)
        if not found:
            names = ", ".join(arm.name for arm in self.arms)
            raise UsageError(f"The ablation has no arm {name!r}, expected one of {names}.")
        return found

    def run_of(self, config: FitConfig, arm: Arm) -> FitConfig:
        """The settings of one arm."""
        return replace(
            config, curve=arm.curve, curve_dropout=arm.curve_dropout, out_dir=config.out_dir / arm.folder
        )
