"""The ControlNet of stable-audio-controlnet: a copy of the first layers that is told a sound's latents.

Its input convolution adds the control to the latents, its output convolutions give what is added to the
frozen transformer before each of its first layers. Both start at zero, so that an untrained one changes
nothing. How many layers it has is `int(depth_factor * 24)` of the training (4 for 0.2, 12 for 0.5); here the
checkpoint says it.
Sources: Zhang et al. 2023, "Adding conditional control"; EmilianPostolache/stable-audio-controlnet,
`main/controlnet/controlnet.py` and `main/controlnet/transformer.py` (where the outputs are added).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from torch import Tensor, nn

from v2m.backbones.stable_audio_open.config import TransformerShape
from v2m.backbones.stable_audio_open.transformer import Encoded, Tick, Trunk, no_tick, pointwise
from v2m.errors import CheckpointError


class ControlNet(Trunk):
    """Latents with noise and latents of a control to what is added to the transformer."""

    def __init__(self, shape: TransformerShape) -> None:
        super().__init__(shape)
        self.conv_in = nn.Conv1d(shape.channels, shape.channels, 1, bias=False)
        self.conv_outs = nn.ModuleList(
            nn.Conv1d(shape.width, shape.width, 1, bias=False) for _ in range(shape.depth)
        )

    def forward(
        self, x: Tensor, time: Tensor, encoded: Encoded, control: Tensor, scale: float, tick: Tick = no_tick
    ) -> list[Tensor]:
        """(n, 1 + t, d) for each of the first layers of the transformer.

        Args:
            x: (n, t, c) latents with noise.
            time: (n,), 1 at noise and 0 at data.
            encoded: from this module's own `encode`.
            control: (1, t, c) latents of the control.
            scale: of what is added; 1 as in training.
            tick: called before each layer.
        """
        h = self._entered(x, time, encoded, pointwise(self.conv_in, control.to(self.dtype)))
        added = []
        for layer, text, out in zip(self._layers, encoded.text, self.conv_outs, strict=True):
            tick()
            h = layer(h, text, encoded.by)
            added.append(pointwise(out, h) * scale)  # type: ignore[arg-type]
        return added


def controlnet_shape(shape: TransformerShape, names: Iterable[str]) -> TransformerShape:
    """That of a ControlNet for a transformer, by the names of its tensors.

    Raises:
        CheckpointError: an InputError; there is no output convolution, or there are more than layers.
    """
    found = [int(match[1]) for name in names if (match := re.fullmatch(r"conv_outs\.(\d+)\.weight", name))]
    depth = max(found, default=-1) + 1
    if not 1 <= depth <= shape.depth:
        raise CheckpointError(
            f"The ControlNet has {depth} output layers, expected 1 to {shape.depth} for this model.",
            hint="Convert the checkpoint of the ControlNet again, or name the model that it was trained on.",
        )
    return replace(shape, depth=depth)
