"""`sketch`: the embedded backbone, a diffusion transformer that composes scores on the planned beats.

Its latent frame is a sixteenth note of the tempo map, so what it writes lies on the planned beats by
construction; the event curve tells it where music should change and how much. A programme longer than the
window it was trained on is composed window by window, each continuing the end of the last through the
mask that the model was trained with. Axes: b batch (takes), t latent frame, c channel, m grid feature.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from v2m.backbones.base import Commission, Composition
from v2m.backbones.degrees import lead_to_degrees
from v2m.backbones.phrases import Phrases
from v2m.backbones.strengths import as_composed
from v2m.codecs import latents as score_latents
from v2m.codecs.arrangement import STEPS_PER_BEAT, Arrangement
from v2m.codecs.channels import channels_of, to_layout
from v2m.codecs.layout import CHANNEL_NAMES
from v2m.errors import MissingPartError
from v2m.model.checkpoint import Checkpoint, load_checkpoint, weights_hash
from v2m.model.conditioning import Conditioning, grid_features
from v2m.model.device import choose_device, fast_dtype
from v2m.model.dit import DiT
from v2m.model.noise import latent_noise
from v2m.model.sampler import Lead, SamplerSettings, sample
from v2m.model.threads import one_thread
from v2m.prompt.casting import cast, hushed_parts
from v2m.prompt.completion import completed_terms
from v2m.prompt.vocabulary import TERM_INDEX
from v2m.prompt.words import Brief
from v2m.side_by_side import side_by_side, thread_count
from v2m.stages import Cancel, FractionDone
from v2m.tempo import TempoMap

WINDOW_FRAMES: Final = 256
"""What the model was trained on: 64 beats, 32 s at 120 BPM as in the paper."""

OVERLAP_FRAMES: Final = 64
"""Of a window that is already composed and is continued: 16 beats carry key, texture and motif over."""

CONTEXT_FRAMES: Final = 48
"""On either side of what is composed again: 12 beats carry key, texture and the drums' pattern over."""

SHORTEST_FRAMES: Final = 128
"""Half the window of the training: less tells the model too little of where it is."""

DEFAULT_STEPS: Final = 16

RENEWAL_STEPS: Final = 10
"""For a span between music that is there already: that decides the form which the first steps are for."""

TIME_SHIFT: Final = 4.0
"""Half of the steps lie below t = 0.2, where the model was trained most and the music is decided."""

TEXT_SCALE: Final = 2.0
CURVE_SCALE_AT_ONE: Final = 4.0
"""Guidance of the curve at adherence 1; half of it at the default 0.5."""

_TONIC_STREAM: Final = 1
"""Stream of the seed's noise that the key is drawn from; stream 0 is the latents'."""


def weights_path() -> Path:
    """The weights that ship in the package."""
    return Path(str(resources.files("v2m.backbones") / "weights" / "sketch.safetensors"))


@dataclass
class Sketch:
    """The embedded backbone, loaded when first asked to compose."""

    path: Path | None = None
    """Weights other than the shipped ones; their strokes are left as they are written."""

    device: str = "auto"
    dtype: str = ""
    """`bfloat16` or `float32`; by default what is fast on the device."""

    name: str = "sketch"

    @property
    def weights_sha256(self) -> str:
        """Hash of the weights file, for the take."""
        return weights_hash(self._existing_path)

    @property
    def _existing_path(self) -> Path:
        path = self.path or weights_path()
        if not path.is_file():
            raise MissingPartError(f"The weights {path} are not there.", hint="Install v2m again.")
        return path

    @cached_property
    def _checkpoint(self) -> Checkpoint:
        return load_checkpoint(self._existing_path)

    @cached_property
    def _model(self) -> DiT:
        return self._checkpoint.model.to(device=choose_device(self.device), dtype=self._dtype)

    @property
    def arithmetic(self) -> str:
        """Where and in which numbers it composes."""
        return f"{choose_device(self.device).type} {str(self._dtype).removeprefix('torch.')}"

    @cached_property
    def _dtype(self) -> torch.dtype:
        return getattr(torch, self.dtype) if self.dtype else fast_dtype(choose_device(self.device))

    @cached_property
    def _channels(self) -> tuple[str, ...]:
        """What the model composes: weights made for an earlier layout of the score have other channels."""
        return channels_of(self._checkpoint.notes, self._checkpoint.model.config.latent_channels)

    def compose(
        self, commission: Commission, on_progress: FractionDone, cancel: Cancel
    ) -> tuple[Composition, ...]:
        """One composition a seed, in the order of the seeds."""
        settings = self._settings(commission, DEFAULT_STEPS)
        conditions = frame_conditions(commission)
        device = self._model.output.weight.device

        def composed(index: int, report: FractionDone, _: Cancel) -> Composition:
            seed = commission.seeds[index]
            latents = self._sample(commission, seed, conditions, settings, report)
            tonic = choose_tonic(commission.brief, seed)
            layout = to_layout(latents, self._channels)
            score = score_latents.decode(layout, tonic, commission.brief.beats_per_bar)
            return Composition(seed, latents, cast(score, commission.brief), self._channels, self.arithmetic)

        threads = thread_count() if device.type == "cpu" else 1
        with one_thread(device):
            return tuple(
                side_by_side(
                    composed, len(commission.seeds), threads=threads, on_progress=on_progress, cancel=cancel
                )
            )

    def _sample(
        self,
        commission: Commission,
        seed: int,
        conditions: tuple[NDArray[np.float32], NDArray[np.float32]],  # grid (t, m), curve (t,)
        settings: SamplerSettings,
        report: FractionDone,
    ) -> NDArray[np.float32]:
        """One take, (t, c), window by window."""
        grid, curve = conditions
        t, c = len(curve), len(self._channels)
        done = np.zeros((t, c), np.float32)
        is_open = np.ones((t, c), bool)
        phrases = self._phrases(commission, curve)
        spans = list(windows(t, _window_frames(commission.window_scale)))
        for index, (first, last, known) in enumerate(spans):
            window = slice(first, last)
            is_known = np.zeros((last - first, len(score_latents.GROUPS)), bool)
            is_known[:known] = True
            conditioning = self._conditioning(
                commission, seed, grid[window], curve[window], done[window], is_known
            )

            def told(fraction: float, index: int = index) -> None:
                report((index + fraction) / len(spans))

            lead = phrases.lead(done, is_open, first, last, conditioning.mask.device)
            done[window] = self._solved(
                conditioning, phrases.noise(seed, first, last - first), settings, told,
                self._in_key(commission, lead),
            )  # fmt: skip
            is_open[window] = False
        return done

    def _phrases(self, commission: Commission, curve: NDArray[np.float32]) -> Phrases:
        heard = curve if commission.adherence > 0 else np.zeros_like(curve)  # 0 ignores it, here too
        return Phrases.of(commission.tempo_map, commission.hits, heard, self._channels)

    def _in_key(self, commission: Commission, lead: Lead) -> Lead:
        """Led to the degrees of a key as well, where the words name one."""
        brief = commission.brief
        modes = brief.named("mode") if brief.tonic is not None else ()
        return lead_to_degrees(modes[0], self._channels, choose_device(self.device), lead) if modes else lead

    def _solved(
        self,
        conditioning: Conditioning,
        noise: NDArray[np.float32],  # (t, c)
        settings: SamplerSettings,
        report: FractionDone,
        lead: Lead | None,
    ) -> NDArray[np.float32]:
        """One window of one take, (t, c)."""
        start = torch.from_numpy(noise[None]).to(conditioning.mask.device)
        with one_thread(start.device):
            composed = sample(self._model, conditioning, start, settings, progress=report, lead=lead)
        values: NDArray[np.float32] = composed[0].float().cpu().numpy()
        if self.path is not None:  # how hard other weights strike is not known
            return values
        is_known = self._model.cell_mask(conditioning.mask)[0].cpu().numpy() > 0
        return np.where(is_known, values, as_composed(values))

    def renew(
        self,
        commission: Commission,
        latents: NDArray[np.float32],
        renewed: NDArray[np.bool_],
        on_progress: FractionDone,
        cancel: Cancel,
    ) -> NDArray[np.float32]:
        """Compose a part of a composition again, to fit the rest; see `RenewingBackbone`."""
        is_span = renewed.ndim == 1  # where whole parts are composed anew, little of the music is there yet
        settings = self._settings(commission, RENEWAL_STEPS if is_span else DEFAULT_STEPS)
        grid, curve = frame_conditions(commission)
        groups = len(score_latents.GROUPS)
        open_cells = np.broadcast_to(renewed.reshape(len(renewed), -1), (len(renewed), groups)).copy()
        done, seed = latents.copy(), commission.seeds[0]
        phrases = self._phrases(commission, curve)
        channel_group = self._model.channel_group.cpu().numpy()
        spans = list(
            renewal_windows(np.asarray(open_cells.any(axis=1)), _window_frames(commission.window_scale))
        )
        for index, (first, last) in enumerate(spans):
            window = slice(first, last)
            conditioning = self._conditioning(
                commission, seed, grid[window], curve[window], done[window], ~open_cells[window]
            )
            cells = open_cells[:, channel_group]

            def report(fraction: float, index: int = index) -> None:
                cancel()
                on_progress((index + fraction) / len(spans))

            # a span fits what lies around it, whose bars may be counted otherwise than when it was composed
            lead = None
            if not is_span:
                lead = phrases.lead(done, cells, first, last, conditioning.mask.device)
                lead = self._in_key(commission, lead)
            noise = phrases.noise(seed, first, last - first)
            composed = self._solved(conditioning, noise, settings, report, lead)
            done[window] = np.where(cells[window], composed, done[window])
            open_cells[:last] = False
        return done

    def _settings(self, commission: Commission, steps: int) -> SamplerSettings:
        return SamplerSettings(
            steps=commission.steps or steps,
            text_scale=TEXT_SCALE,
            curve_scale=CURVE_SCALE_AT_ONE * commission.adherence,
            time_shift=TIME_SHIFT,
        )

    def _conditioning(
        self,
        commission: Commission,
        seed: int,
        grid: NDArray[np.float32],  # (t, m)
        curve: NDArray[np.float32],  # (t,)
        done: NDArray[np.float32],  # (t, c)
        is_known: NDArray[np.bool_],  # (t, g)
    ) -> Conditioning:
        """What the model is told of a window of one take, a batch of one."""
        mask = torch.from_numpy(is_known.astype(np.float32))[None]
        known = torch.from_numpy(done.copy())[None]
        known *= self._model.cell_mask(mask.to(self._model.channel_group.device)).cpu()
        if self._channels == CHANNEL_NAMES:  # else the music is only cast when it is composed
            for part in hushed_parts(commission.brief):
                mask[..., score_latents.GROUPS.index(part)] = 1
                channels = score_latents.group_slices[part]
                known[..., channels] = torch.from_numpy(_silence()[channels])
        return Conditioning(
            masked_latent=known,
            mask=mask,
            grid=torch.from_numpy(grid)[None],
            term_ids=self._term_ids(commission, seed),
            curve=torch.from_numpy(curve)[None],
        ).to(self._model.output.weight.device)

    def _term_ids(self, commission: Commission, seed: int) -> torch.Tensor:
        """(1, n): a take's words and what fills them."""
        known = self._model.config.text_terms
        beats_s = commission.tempo_map.beats_s
        bpm = 60 * (len(beats_s) - 1) / (beats_s[-1] - beats_s[0])
        described = completed_terms(commission.brief, seed, bpm)
        ids = [TERM_INDEX[name] for name in described if TERM_INDEX[name] < known]
        return torch.tensor([ids], dtype=torch.long)


@cache
def _silence() -> NDArray[np.float32]:
    """(c,) what the latents hold where nothing sounds."""
    silence: NDArray[np.float32] = score_latents.encode(Arrangement(beat_count=1, notes=()))[0]
    return silence


def choose_tonic(brief: Brief, seed: int) -> int:
    """The key asked for, else one drawn by the seed."""
    if brief.tonic is not None:
        return brief.tonic
    drawn = latent_noise(seed, 0, 1, 1, stream=_TONIC_STREAM)[0, 0]
    return int(12 * 0.5 * (1 + math.erf(float(drawn) / math.sqrt(2)))) % 12  # normal -> uniform


def frame_conditions(commission: Commission) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Grid features (t, m) and the event curve (t,) at the sixteenths of the tempo map."""
    tempo_map: TempoMap = commission.tempo_map
    frame_count = (len(tempo_map.beats_s) - 1) * STEPS_PER_BEAT
    frames = np.arange(frame_count)
    tempo_bpm = 60.0 / np.repeat(np.diff(tempo_map.beats_s), STEPS_PER_BEAT)
    opening = tempo_map.first_downbeat * STEPS_PER_BEAT
    start, end = (float(tempo_map.beat_at(s)) * STEPS_PER_BEAT for s in (0.0, float(commission.duration_s)))
    span = (math.floor(start) - opening, math.ceil(end) - opening)
    grid = grid_features(frames - opening, tempo_map.beats_per_bar, tempo_bpm, span)
    curve = commission.curve.at(tempo_map.time_s(frames / STEPS_PER_BEAT))
    return grid, curve.astype(np.float32)


def _window_frames(scale: float) -> int:
    """A share of the usual window; at least twice the overlap, so that every window brings something new."""
    return max(2 * OVERLAP_FRAMES, min(WINDOW_FRAMES, round(scale * WINDOW_FRAMES)))


def renewal_windows(
    renewed: NDArray[np.bool_], window_frames: int = WINDOW_FRAMES
) -> Iterator[tuple[int, int]]:
    """Spans (first, last) that cover the frames to renew, each with what is known around them."""
    frames = np.flatnonzero(renewed)
    count, todo = len(renewed), int(frames[0]) if len(frames) else len(renewed)
    while todo < count:
        run_end = todo + int(np.argmin(np.append(renewed[todo:], False)))
        around = max(CONTEXT_FRAMES, (SHORTEST_FRAMES - (run_end - todo) + 1) // 2)
        first = max(0, min(todo - around, count - SHORTEST_FRAMES)) // STEPS_PER_BEAT * STEPS_PER_BEAT
        last = min(count, first + window_frames, max(run_end + around, first + SHORTEST_FRAMES))
        last = min(count, -(-last // STEPS_PER_BEAT) * STEPS_PER_BEAT)  # whole beats, as in training
        yield first, last
        later = frames[frames >= last]
        todo = int(later[0]) if len(later) else count


def windows(frame_count: int, window_frames: int = WINDOW_FRAMES) -> Iterator[tuple[int, int, int]]:
    """Spans (first, last, known) that cover the frames: the first `known` of each are composed already."""
    first, known = 0, 0
    while True:
        last = min(first + window_frames, frame_count)
        yield first, last, known
        if last == frame_count:
            return
        # the last window is moved back so that it is as long as those of the training
        following = min(last - OVERLAP_FRAMES, max(frame_count - window_frames, 0))
        first, known = following, last - following
