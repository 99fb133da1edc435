"""The event curves' column for networks that have none: a term added to what the input projection gives.

h = project_in(x) + curve @ column is the same as one more input channel for each curve (paper, section 3.3),
leaves the base's weights as they are, and with a column of zeros is the base model exactly.
Conventions: b batch, t latent frame, k curve, d width.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn

NAME: Final = "event_column"
"""Of the parameter in the module that it is added to."""


class EventColumn:
    """Adds curves to a network; `curve` is set before each call of it."""

    def __init__(self, module: nn.Module, inlet: nn.Module, width: int, curves: int = 1) -> None:
        """Give `module` the parameter and `inlet`, its projection of (b, t, …) to (b, t, d), the hook.

        A model that stands with more frames before the sound's (prepended conditions) has its inlet before
        they are joined, so the axes are those of the latents.
        """
        device = next(module.parameters()).device
        column = nn.Parameter(torch.zeros(curves, width, device=device))
        module.register_parameter(NAME, column)
        inlet.register_forward_hook(self._add)
        self._module = module
        self.curve: Tensor | None = None
        """(b, t, k), or None for the base model."""

    def _add(self, _inlet: nn.Module, _inputs: Any, output: Tensor) -> Tensor:  # noqa: ANN401 - torch's hook
        if self.curve is None:
            return output
        column: Tensor = getattr(self._module, NAME)
        return output + (self.curve.to(column.dtype) @ column).to(output.dtype)
