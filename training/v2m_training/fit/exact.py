"""Modules that compute in float32 whatever the precision of the step around them."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn


def compute_exactly(*modules: nn.Module) -> None:
    """Keep autocast out of some modules: features that turn many times need every digit of their angles."""
    for module in modules:
        module.forward = partial(_exact, module.forward)


def _exact(forward: Any, *inputs: Tensor) -> Tensor:  # noqa: ANN401 - a module's own
    with torch.autocast(inputs[0].device.type, enabled=False):
        result: Tensor = forward(*(value.float() for value in inputs))
        return result
