"""The diffusion transformer: noisy latents, time and conditioning in, velocity out.

    p frames of [noisy c | known c | mask g | grid m | curve k] -> width d -> blocks -> p velocities c

A block is self-attention over frames (rotary positions, normalised queries and keys), cross-attention to
the words, and a gated feed-forward; time and the mean of the words scale, shift and gate it (adaLN-zero).
One modulation is computed for all blocks and each block adds its own offset: at this size a modulation per
block would be a third of all weights.
Conventions: b batch, t latent frame, p frames of a token, s token, c latent channel, d width, h head, e head
width, n text token.
Sources: Peebles and Xie 2023 (DiT, adaLN-zero); Chen et al. 2023 (PixArt-alpha, adaLN-single); Su et al.
2021 (rotary positions); Shazeer 2020 (SwiGLU); paper, section 3.3, eq. 5 (the curve's column).
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from v2m.errors import InputError
from v2m.model.attention import CrossAttention, SelfAttention, rotations
from v2m.model.conditioning import NO_TERM, Conditioning


@dataclass(frozen=True)
class Told:
    """What the words and the number of frames say to the blocks: the same at every step."""

    keys_values: tuple[tuple[Tensor, Tensor], ...]
    """Of the words, one pair a block, each (b, h, n, e)."""

    pooled: Tensor
    """(b, d) mean of the words for the modulation."""

    allowed: Tensor
    """(b, 1, 1, n) True for the words that may be attended to."""

    turn: tuple[Tensor, Tensor]
    """Rotary angles of the tokens, see `rotations`."""


@dataclass(frozen=True)
class DiTConfig:
    """The shape of a model; the defaults are `sketch`'s (7 M parameters)."""

    channel_groups: tuple[int, ...]
    """(c,) the mask group of each latent channel, from 0 up: a group is known or unknown as one."""

    grid_channels: int = 16
    """Grid features of a frame; 0 for a model with no beat grid."""

    curve_channels: int = 0
    """1 once the model has grown the event curve's column."""

    width: int = 256
    depth: int = 6
    heads: int = 4
    """Width over heads is the head width, a multiple of 4; 64 suits the attention kernels."""

    ff_multiple: float = 4.0
    """Feed-forward size as in a plain two-matrix layer; the gated layer has 2/3 of it in three matrices."""

    text_terms: int = 0
    """Rows of the table of terms; 0 if text comes as embeddings of `text_width`."""

    text_width: int = 0
    rope_base: float = 10_000.0
    """Longest wavelength of the rotary positions over 2 pi, in tokens."""

    frames_per_token: int = 1
    """Frames that the blocks see as one: p times fewer tokens, so p times more music for the same work."""

    predicts_data: int = 0
    """1: the last layer says the data, and the velocity follows from it (Li and He 2025). Noise of more
    numbers a token than the model is wide cannot pass through it; music can."""

    def __post_init__(self) -> None:
        """Refuse a shape that no model can have.

        Raises:
            InputError: a number out of range.
        """
        if not self.channel_groups or sorted(set(self.channel_groups)) != list(range(self.mask_groups)):
            raise InputError("The model's channel groups must be 0, 1, 2 … without a gap.")
        if min(self.width, self.depth, self.heads) < 1 or self.width % (4 * self.heads):
            raise InputError(
                f"The model's width is {self.width} with {self.heads} heads, expected a multiple of four "
                "times the heads."
            )
        if self.curve_channels not in (0, 1) or min(self.grid_channels, self.text_terms, self.text_width) < 0:
            raise InputError("The model has a negative number of inputs, or more than one curve.")
        if self.ff_multiple <= 0 or self.rope_base <= 1 or self.frames_per_token < 1:
            raise InputError(
                "The model's ff_multiple and frames_per_token must be above 0 and its rope_base above 1."
            )

    @property
    def latent_channels(self) -> int:
        """The size of axis c."""
        return len(self.channel_groups)

    @property
    def mask_groups(self) -> int:
        """The size of axis g."""
        return max(self.channel_groups) + 1

    @property
    def ff_width(self) -> int:
        """Hidden width of the gated feed-forward, in whole cache lines of bf16."""
        return max(32, 32 * round(self.ff_multiple * self.width * 2 / 3 / 32))


_LEAST_NOISE = 0.05
"""Near the data the velocity would be the small difference of two numbers over next to nothing."""


class DiT(nn.Module):
    """A velocity model of the rectified flow.

    The null text is a learned token that stands before the words of every item: dropping the words leaves it
    alone. The null curve is zeros, in training and sampling alike: a standardised curve of zeros says that
    nothing is known of when things happen, its column then adds nothing, and the paper's count of new
    parameters (one column, no indicator) is kept.
    """

    channel_group: Tensor

    def __init__(self, config: DiTConfig) -> None:
        super().__init__()
        self.config = config
        d, p = config.width, config.frames_per_token
        inputs = 2 * config.latent_channels + config.mask_groups + config.grid_channels
        self.input = nn.Linear(p * inputs, d)
        # The curve's column stands apart from the others: concatenating an input channel is the same as
        # adding channel times column, and so the base's product keeps its exact order of additions.
        self.curve_column = nn.Parameter(torch.zeros(p, d)) if config.curve_channels else None
        self.time_mlp = nn.Sequential(nn.Linear(d, d), nn.SiLU(), nn.Linear(d, d))
        self.text = TextInput(config)
        self.modulation = nn.Linear(d, 6 * d)
        self.blocks = nn.ModuleList([Block(config) for _ in range(config.depth)])
        self.final_modulation = nn.Linear(d, 2 * d)
        self.output = nn.Linear(d, p * config.latent_channels)
        self.register_buffer("channel_group", torch.tensor(config.channel_groups), persistent=False)
        self.checkpointing = False
        """Whether the backward pass computes the blocks again, which takes less memory than keeping them."""
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        # adaLN-zero: every block starts as the identity and the model as the zero velocity.
        outlets = [self.modulation, self.final_modulation, self.output]
        outlets += [block.cross_attention.out for block in self._blocks()]
        for outlet in outlets:
            nn.init.zeros_(outlet.weight)

    def told(self, conditioning: Conditioning) -> Told:
        """What is the same at all steps, so computed once.

        Raises:
            InputError: the frames make no whole number of tokens.
        """
        frame_count, device = conditioning.mask.shape[1], conditioning.mask.device
        token_count, rest = divmod(frame_count, self.config.frames_per_token)
        if rest:
            raise InputError(f"{frame_count} frames are no multiple of {self.config.frames_per_token}.")
        tokens, pooled = self.text(conditioning, self.number_format)
        return Told(
            tuple(block.cross_attention.keys_values(tokens) for block in self._blocks()),
            pooled,
            self.text.attention_mask(conditioning),
            rotations(token_count, self.config.width // self.config.heads, self.config.rope_base, device),
        )

    @property
    def number_format(self) -> torch.dtype:
        """In which it computes."""
        return self.output.weight.dtype

    def _blocks(self) -> list[Block]:
        return [cast(Block, block) for block in self.blocks]

    def cell_mask(self, mask: Tensor) -> Tensor:
        """The mask of groups (b, t, g) as a mask of cells (b, t, c)."""
        return mask[..., self.channel_group]

    def forward(
        self,
        x: Tensor,
        time: Tensor,
        conditioning: Conditioning,
        told: Told | None = None,
        wordless_rows: int = 0,
    ) -> Tensor:
        """The velocity at x.

        Args:
            x: (b, t, c) latents on the path.
            time: (b,) in [0, 1], 0 noise and 1 data.
            conditioning: of the same b and t.
            told: from `told` of the same conditioning; computed if not given.
            wordless_rows: how many rows, from the first, are known to have the null text: they cost less.

        Returns:
            (b, t, c) in x's number format.

        Raises:
            InputError: a curve is given to a model that has no column for one, or the frames make no whole
                number of tokens.
        """
        told = told or self.told(conditioning)
        dtype = self.number_format
        condition = F.silu(self.time_mlp(time_features(time, self.config.width).to(dtype)) + told.pooled)
        modulation = self.modulation(condition).unflatten(-1, (6, -1))  # (b, 6, d)
        y = self._embed(x, conditioning, dtype)  # (b, s, d)
        for block, kv in zip(self._blocks(), told.keys_values, strict=True):
            args = (y, modulation, told.turn, kv, told.allowed, wordless_rows)
            if self.checkpointing and torch.is_grad_enabled():
                y = checkpoint(block, *args, use_reentrant=False)
            else:
                y = block(*args)
        shift, scale = self.final_modulation(condition).unsqueeze(1).chunk(2, dim=-1)  # (b, 1, d)
        output: Tensor = self.output(modulate(y, shift, scale))  # (b, s, p c)
        output = output.to(x.dtype).reshape(x.shape)  # (b, t, c)
        if not self.config.predicts_data:
            return output
        return (output - x) / (1 - time).clamp(min=_LEAST_NOISE)[:, None, None].to(x.dtype)

    def _embed(self, x: Tensor, conditioning: Conditioning, dtype: torch.dtype) -> Tensor:
        parts = (x, conditioning.masked_latent, conditioning.mask, conditioning.grid)
        y: Tensor = self.input(self._tokens(torch.cat([part.to(dtype) for part in parts], dim=-1)))
        if conditioning.curve is None:
            return y
        if self.curve_column is None:
            raise InputError("An event curve was given to a model that was not trained with curves.")
        return y + self._tokens(conditioning.curve.to(dtype).unsqueeze(-1)) @ self.curve_column.to(y.dtype)

    def _tokens(self, frames: Tensor) -> Tensor:
        """(b, t, i) -> (b, s, p i)."""
        return frames.reshape(frames.shape[0], -1, self.config.frames_per_token * frames.shape[2])


class TextInput(nn.Module):
    """Words as tokens of the model's width, behind the null token."""

    def __init__(self, config: DiTConfig) -> None:
        super().__init__()
        self.table = _table(config.text_terms, config.width) if config.text_terms else None
        self.projection = nn.Linear(config.text_width, config.width) if config.text_width else None
        self.null = nn.Parameter(_drawn(config.width))
        self.pool = nn.Linear(config.width, config.width)

    def forward(self, conditioning: Conditioning, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Tokens (b, 1 + n, d) and their mean (b, d) projected for the modulation."""
        null = self.null.expand(conditioning.masked_latent.shape[0], 1, -1)
        tokens = torch.cat([null, *self._words(conditioning, dtype)], dim=1)
        counted = self.attention_mask(conditioning).to(tokens.dtype)  # (b, 1, 1, n)
        mean = (counted[:, 0] @ tokens).squeeze(1) / counted.sum(-1).squeeze(1)
        return tokens, self.pool(mean)

    def _words(self, conditioning: Conditioning, dtype: torch.dtype) -> list[Tensor]:
        if self.table is not None and conditioning.term_ids is not None:
            return [self.table(conditioning.term_ids.clamp(min=0))]
        if self.projection is not None and conditioning.text is not None:
            return [self.projection(conditioning.text.to(dtype))]
        return []

    def attention_mask(self, conditioning: Conditioning) -> Tensor:
        """(b, 1, 1, 1 + n) True for the tokens that may be attended to; the null token always."""
        counted = [torch.ones(conditioning.masked_latent.shape[0], 1, dtype=torch.bool,
                              device=conditioning.masked_latent.device)]  # fmt: skip
        if self.table is not None and conditioning.term_ids is not None:
            counted.append(conditioning.term_ids != NO_TERM)
        elif self.projection is not None and conditioning.text_mask is not None:
            counted.append(conditioning.text_mask)
        return torch.cat(counted, dim=1)[:, None, None, :]


def _table(terms: int, width: int) -> nn.Embedding:
    drawn = _drawn(terms, width)
    table: nn.Embedding = nn.Embedding.from_pretrained(drawn, freeze=False)  # type: ignore[no-untyped-call]
    return table


def _drawn(*shape: int) -> Tensor:
    """Normal numbers as `torch.randn` draws them, which without memory for them would import a compiler."""
    numbers = torch.empty(*shape)
    return numbers if numbers.is_meta else numbers.normal_()


class Block(nn.Module):
    """Self-attention, cross-attention and feed-forward, each added to the stream."""

    def __init__(self, config: DiTConfig) -> None:
        super().__init__()
        d = config.width
        self.offset = nn.Parameter(torch.zeros(6, d))
        self.self_attention = SelfAttention(d, config.heads)
        self.cross_attention = CrossAttention(d, config.heads)
        self.ff_in = nn.Linear(d, 2 * config.ff_width)
        self.ff_out = nn.Linear(config.ff_width, d)

    def forward(
        self,
        y: Tensor,
        modulation: Tensor,
        turn: tuple[Tensor, Tensor],
        kv: tuple[Tensor, Tensor],
        allowed: Tensor,
        wordless_rows: int = 0,
    ) -> Tensor:
        """(b, t, d) -> (b, t, d)."""
        # The sum keeps the format of the stream, which autocast would else widen for good.
        steering = (modulation + self.offset).to(y.dtype)  # (b, 6, d)
        shift_a, scale_a, gate_a, shift_f, scale_f, gate_f = steering.unsqueeze(2).unbind(1)
        y = y + gate_a * self.self_attention(modulate(y, shift_a, scale_a), turn)
        y = y + self.cross_attention(F.layer_norm(y, y.shape[-1:]), kv, allowed, wordless_rows)
        value, gate = self.ff_in(modulate(y, shift_f, scale_f)).chunk(2, dim=-1)
        out: Tensor = y + gate_f * self.ff_out(value * F.silu(gate))
        return out


def modulate(y: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Layer norm without weights, then scale and shift (b, 1, d) from the conditioning."""
    return F.layer_norm(y, y.shape[-1:]) * (1 + scale) + shift


def time_features(time: Tensor, width: int) -> Tensor:
    """(b, width) sines and cosines of the time in float32, wavelengths from 1/160 to 63 of its range."""
    # t is scaled by 1000 as in diffusion models, whose frequencies 1 … 1e-4 are then used as they are.
    frequency = torch.exp(-math.log(10_000) * torch.arange(width // 2, device=time.device) / (width // 2))
    angle = 1000 * time.float()[:, None] * frequency
    return torch.cat([angle.cos(), angle.sin()], dim=-1)


def add_curve_channel(model: DiT) -> DiT:
    """The same model with an event curve's input column of zeros: its output is the base's, bit for bit.

    Raises:
        InputError: the model has the column already.
    """
    if model.config.curve_channels:
        raise InputError("The model has an event curve's input already.")
    weight = model.output.weight
    grown = DiT(replace(model.config, curve_channels=1)).to(device=weight.device, dtype=weight.dtype)
    state = copy.deepcopy(model.state_dict())
    assert grown.curve_column is not None  # noqa: S101 - tells the type checker what the config says
    grown.load_state_dict({**state, "curve_column": grown.curve_column.detach()})
    return grown.train(model.training)


def parameter_count(model: nn.Module) -> int:
    """All weights of a model."""
    return sum(parameter.numel() for parameter in model.parameters())
