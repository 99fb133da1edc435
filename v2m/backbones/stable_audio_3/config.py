"""The shape of a checkpoint: what its modules are built from.

Sources: arXiv 2605.17991, arXiv 2605.18613; `config_file` reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from v2m.backbones.sound.model import LatentGrid

Objective = Literal["rectified_flow", "rf_denoiser"]
"""Base checkpoints follow the flow; post-trained ones guess the clean latents at every step."""

NormKind = Literal["rms_norm", "layer_norm", "dyt"]
HeadNormKind = Literal["rms", "ln", "dyt", "none"]


@dataclass(frozen=True)
class AttentionConfig:
    """How heads attend."""

    head_norm: HeadNormKind = "none"
    head_norm_eps: float = 1e-6
    differential: bool = False
    """Two softmaxes a head, of which the second is subtracted."""

    feature_scale: bool = False
    """Mean and rest of the output over time are scaled apart."""


@dataclass(frozen=True)
class TransformerConfig:
    """The diffusion transformer."""

    channels: int
    """Of the latents."""

    width: int
    depth: int
    heads: int
    text_width: int
    """Of a token of the conditioning."""

    project_text: bool
    """Whether keys and values are made at the transformer's width, or at the tokens' own."""

    global_width: int
    project_global: bool
    local_width: int
    """Of what is told at every frame: mask and masked latent."""

    memory_tokens: int
    norm: NormKind
    norm_eps: float
    attention: AttentionConfig
    feed_forward_ratio: float
    feed_forward_bias: bool
    time_features: int
    time_in_log_snr: bool
    """Whether the noise level is told as its log signal-to-noise ratio."""

    @property
    def head_width(self) -> int:
        """Numbers of one head."""
        return self.width // self.heads

    @property
    def context_width(self) -> int:
        """Of what keys and values are made from."""
        return self.width if self.project_text else self.text_width


@dataclass(frozen=True)
class ResamplerConfig:
    """Encoder or decoder of the autoencoder: one block that resamples by inserting or reading tokens."""

    stride: int
    """Patches of sound a latent."""

    depth: int
    head_width: int
    patch_channels: int
    width: int
    latent_channels: int
    window: tuple[int, int] | None
    """Latents that a token sees to its left and right (SAME-L), or None for chunks (SAME-S)."""

    chunk_patches: int
    """Patches in a chunk, where there is no window."""

    midpoint_shift: bool
    """Whether the second half of the layers sees chunks moved by half a chunk."""

    norm: NormKind
    attention: AttentionConfig
    feed_forward_ratio: float
    sine_layers: int
    """`sinusoidal_blocks`: the last so many layers less one have a sine in their feed-forward."""

    layer_scale: bool
    shared_token: bool
    """One new token for all places (`variable_stride`), or one for each."""

    wide_mapping: bool
    """Whether patches become tokens by a convolution over three, or each by itself."""

    mapping_bias: bool

    @property
    def chunk_latents(self) -> int:
        """Latents that are read together; a length that is no multiple is padded."""
        return 1 if self.window else self.chunk_patches // self.stride


@dataclass(frozen=True)
class AutoencoderConfig:
    """SAME: sound in patches, a resampler each way, and a linear bottleneck between."""

    encoder: ResamplerConfig
    decoder: ResamplerConfig
    patch_samples: int
    audio_channels: int
    hop_samples: int
    scaled_by_deviation: bool
    """`auto_scale`: latents are divided by the standard deviation that training saw."""

    noise_channels: int
    """Of `noise_scaling_factor`, which holds nothing in the published models."""

    soft_clip: bool


@dataclass(frozen=True)
class TextConfig:
    """The prompt's encoder."""

    model_name: str
    subfolder: str
    longest_tokens: int
    padding: Literal["none", "zero", "learned"]
    project: bool
    """Whether its embeddings go through a linear layer although the width would fit."""


@dataclass(frozen=True)
class DurationConfig:
    """How the length in seconds becomes a token."""

    low_s: float
    high_s: float


@dataclass(frozen=True)
class ShiftConfig:
    """How the steps are spread over the noise levels; see `schedule`."""

    kind: Literal["none", "flux", "full", "logsnr"] = "logsnr"
    options: Mapping[str, float] = field(default_factory=lambda: {"rate": 0.0})


@dataclass(frozen=True)
class StableAudioConfig:
    """One checkpoint of the family."""

    sample_rate_hz: int
    longest_samples: int
    objective: Objective
    transformer: TransformerConfig
    autoencoder: AutoencoderConfig
    text: TextConfig
    duration: DurationConfig
    shift: ShiftConfig

    @property
    def grid(self) -> LatentGrid:
        """How its latents lie in time."""
        hop = self.autoencoder.hop_samples
        longest = self.longest_samples // hop
        return LatentGrid(self.sample_rate_hz, hop, self.transformer.channels, longest)
