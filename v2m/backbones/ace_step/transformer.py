"""ACE-Step's transformer, with the words' keys kept over the steps and a hook for the event curve.

    [context: source c, mask c | noisy c] in pairs of frames -> width d -> blocks -> velocities c

The layers are those of diffusers. What they do again at every step is done once: the words' keys and values
of each block, and their projection. The curve enters as one more input channel of the convolution over two
frames would: `out[..., j] += column[:, 0] * curve[2 j] + column[:, 1] * curve[2 j + 1]`.

Conventions: b batch, t latent frame, c channel (64), h head, f head width, n token of the condition; time
is 1 at the noise and 0 at the data, and the velocity is noise - data: the model's own way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Velocity:
    """The transformer as a function of noisy latents and time, for one condition after another."""

    def __init__(self, network: Any, column: Tensor | None = None) -> None:  # noqa: ANN401 - of diffusers
        """Take over a network in evaluation mode.

        Args:
            network: from `layers.load_transformer`, where and in the format in which to compute.
            column: (d, 2), what an event adapter adds for each of the two frames of a token.
        """
        self._network = network
        self._words = [_KeptWords() for _ in network.layers]
        for layer, words in zip(network.layers, self._words, strict=True):
            layer.cross_attn.set_processor(words)
        self._column = column
        self._curve: Tensor | None = None
        network.proj_in_conv.register_forward_hook(self._add_curve)

    @property
    def dtype(self) -> torch.dtype:
        """The format in which it computes."""
        found: torch.dtype = self._network.proj_in_conv.weight.dtype
        return found

    @property
    def has_column(self) -> bool:
        """Whether a curve changes anything."""
        return self._column is not None

    def begin(self, conditions: Sequence[Tensor]) -> None:
        """Attend to these conditions, b of (1, n, e) with n of any length, from now on."""
        longest = max(condition.shape[1] for condition in conditions)
        filled = [F.pad(condition, (0, 0, 0, longest - condition.shape[1])) for condition in conditions]
        counts = torch.tensor([condition.shape[1] for condition in conditions], device=filled[0].device)
        allowed = torch.arange(longest, device=counts.device) < counts[:, None]  # (b, n)
        projected = self._network.condition_embedder(torch.cat(filled).to(self.dtype))
        for layer, words in zip(self._network.layers, self._words, strict=True):
            words.keep(layer.cross_attn, projected, None if allowed.all() else allowed[:, None, None])

    def __call__(self, x: Tensor, time: float, context: Tensor, curve: Tensor | None) -> Tensor:
        """The velocity (b, t, c) at x (b, t, c).

        Args:
            x: noisy latents.
            time: 1 noise to 0 data.
            context: (b, t, 2 c): the source, and 1 where it is to be made anew.
            curve: (b, t), zeros or None for the model without one.
        """
        now = torch.full((x.shape[0],), time, device=x.device, dtype=self.dtype)
        self._curve = curve
        unread = torch.zeros(x.shape[0], 1, self._network.condition_embedder.in_features,
                             device=x.device, dtype=self.dtype)  # fmt: skip
        velocity: Tensor = self._network(
            hidden_states=x.to(self.dtype),
            timestep=now,
            timestep_r=now,
            encoder_hidden_states=unread,
            context_latents=context.to(self.dtype),
            return_dict=False,
        )[0]
        return velocity.to(x.dtype)

    def _add_curve(self, _layer: nn.Module, _inputs: Any, output: Tensor) -> Tensor:  # noqa: ANN401 - torch's hook
        """(b, d, s) and what the curve adds to its tokens."""
        if self._column is None or self._curve is None:
            return output
        frames = F.pad(self._curve, (0, -self._curve.shape[1] % self._column.shape[1]))
        pairs = frames.reshape(frames.shape[0], -1, self._column.shape[1]).to(output.dtype)  # (b, s, 2)
        added = pairs @ self._column.T.to(output.dtype)  # (b, s, d)
        return output + added.transpose(1, 2)


class _KeptWords:
    """Attention to the words with keys and values that were computed before the first step."""

    def __init__(self) -> None:
        self._key: Tensor | None = None
        self._value: Tensor | None = None
        self._allowed: Tensor | None = None

    def keep(self, attention: Any, words: Tensor, allowed: Tensor | None) -> None:  # noqa: ANN401 - of diffusers
        """Compute keys and values (b, h, n, f) of words (b, n, d), of which (b, 1, 1, n) count."""
        heads = (attention.kv_heads, attention.head_dim)
        self._key = attention.norm_k(attention.to_k(words).unflatten(-1, heads)).transpose(1, 2)
        self._value = attention.to_v(words).unflatten(-1, heads).transpose(1, 2)
        self._allowed = allowed

    def __call__(
        self,
        attn: Any,  # noqa: ANN401 - a layer of diffusers
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        image_rotary_emb: Any = None,  # noqa: ANN401 - not used across
    ) -> Tensor:
        """(b, s, d) -> (b, s, d), with the names by which diffusers calls a processor."""
        query = attn.norm_q(attn.to_q(hidden_states).unflatten(-1, (attn.heads, attn.head_dim)))
        assert self._key is not None  # noqa: S101 - `begin` comes before
        assert self._value is not None  # noqa: S101
        seen = F.scaled_dot_product_attention(
            query.transpose(1, 2), self._key, self._value, attn_mask=self._allowed,
            scale=attn.scaling, enable_gqa=attn.heads != attn.kv_heads,
        )  # fmt: skip
        out: Tensor = attn.to_out[0](seen.transpose(1, 2).flatten(2))
        return out
