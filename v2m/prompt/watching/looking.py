"""A model that looks at a picture and answers in words, or only reads and writes.

Pictures become tokens as the model's own processor has it, put together here from its image processor and its
tokenizer: the processors of transformers ask for torchvision, which nothing else here needs. Answers are the
most likely ones, so the same question has the same answer.
Sources: T. Kamath et al., "Gemma 3 Technical Report" (2025); the model cards of Gemma 3 and Qwen3-VL.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from v2m.errors import UsageError
from v2m.prompt.watching.loading import Foreign, LocalModel, transformers
from v2m.stages import Cancel, never_cancel

_SEEING: Final = ("gemma3", "qwen3_vl")
"""`model_type` of the models that can look."""


class Reader:
    """A model of language in a local folder."""

    def __init__(self, folder: Path, name: str, cancel: Cancel = never_cancel) -> None:
        """Look at the folder; see `LocalModel`."""
        self.name = name
        self._local = LocalModel(folder, name)
        self._cancel = cancel
        self._small: tuple[Foreign, Foreign] | None = None

    @property
    def sees(self) -> bool:
        """Whether it can look at pictures."""
        return self._local.kind in _SEEING

    @property
    def sha256(self) -> str:
        """Hash of all that decides its answers."""
        return self._local.sha256

    def unload(self) -> None:
        """Be done with it, see `LocalModel`."""
        self._local.unload()

    @torch.inference_mode()
    def answer(self, instruction: str, longest_tokens: int, picture: NDArray[np.uint8] | None = None) -> str:
        """What the model answers.

        Args:
            instruction: what it is asked.
            longest_tokens: where the answer is cut off.
            picture: (h, w, 3) RGB that it is shown.

        Raises:
            UsageError: it is shown a picture and cannot look.
            V2MError: it cannot be loaded; see `LocalModel`.
            CancelledError: `cancel` said so.
        """
        if picture is not None and not self.sees:
            raise UsageError(f"{self.name} only reads and writes, expected one that looks: gemma-3-4b-it.")
        tokenizer, eyes = self._parts()
        model = self._local.loaded("AutoModelForImageTextToText" if self.sees else "AutoModelForCausalLM")
        content: Any = instruction
        if picture is not None:
            content = [{"type": "image"}, {"type": "text", "text": instruction}]
        text = tokenizer.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
        )
        seen: dict[str, Tensor] = {}
        if picture is not None:
            text, seen = _SHOWN[self._local.kind](text, tokenizer, model.config, eyes(picture))
        inputs = self._tokens(tokenizer, model.config, text, with_picture=picture is not None) | seen
        inputs = {name: self._placed(value, model.dtype) for name, value in inputs.items()}
        given = model.generate(
            **inputs,
            generation_config=_greedy(model.generation_config, longest_tokens),
            stopping_criteria=_stop_on(self._cancel),
        )
        answer: str = tokenizer.decode(given[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        return answer

    def _parts(self) -> tuple[Foreign, Callable[[NDArray[np.uint8]], dict[str, Tensor]]]:
        if self._small is None:
            eyes = self._local.part("AutoImageProcessor") if self.sees else None
            self._small = self._local.part("AutoTokenizer"), eyes
        tokenizer, eyes = self._small
        return tokenizer, lambda picture: dict(eyes(images=[picture], return_tensors="pt"))

    def _tokens(
        self, tokenizer: Foreign, config: Foreign, text: str, *, with_picture: bool
    ) -> dict[str, Tensor]:
        tokens = tokenizer(text, add_special_tokens=False, return_tensors="pt")  # the template has them
        found = {"input_ids": tokens["input_ids"], "attention_mask": tokens["attention_mask"]}
        if with_picture:
            name = "token_type_ids" if self._local.kind == "gemma3" else "mm_token_type_ids"
            found[name] = (found["input_ids"] == config.image_token_id).long()
        return found

    def _placed(self, value: Tensor, dtype: torch.dtype) -> Tensor:
        return value.to(self._local.device, dtype if value.is_floating_point() else None)


def _shown_to_gemma(
    text: str,
    tokenizer: Foreign,
    config: Foreign,
    picture: dict[str, Tensor],
) -> tuple[str, dict[str, Tensor]]:
    """A picture is a fixed number of tokens between a mark of its beginning and one of its end."""
    marks = (config.boi_token_index, config.image_token_index, config.eoi_token_index)
    begin, token, end = tokenizer.convert_ids_to_tokens(list(marks))
    whole = f"\n\n{begin}{token * config.mm_tokens_per_image}{end}\n\n"
    return text.replace(begin, whole, 1), {"pixel_values": picture["pixel_values"]}


def _shown_to_qwen(
    text: str,
    tokenizer: Foreign,
    config: Foreign,
    picture: dict[str, Tensor],
) -> tuple[str, dict[str, Tensor]]:
    """A picture is as many tokens as its size gives: one for each square of merged patches."""
    grid = picture["image_grid_thw"]
    count = int(grid[0].prod()) // config.vision_config.spatial_merge_size**2
    token = tokenizer.convert_ids_to_tokens(config.image_token_id)
    return text.replace(token, token * count, 1), {
        "pixel_values": picture["pixel_values"],
        "image_grid_thw": grid,
    }


_SHOWN: Final = {"gemma3": _shown_to_gemma, "qwen3_vl": _shown_to_qwen}


def _greedy(own: Foreign, longest_tokens: int) -> Foreign:
    """The most likely answer: of the model's own settings only the marks of the end are kept."""
    ends = own.eos_token_id
    padding = (
        own.pad_token_id if own.pad_token_id is not None else ends[0] if isinstance(ends, list) else ends
    )
    return transformers("GenerationConfig")(
        do_sample=False, max_new_tokens=longest_tokens, eos_token_id=ends, pad_token_id=padding
    )


def _stop_on(cancel: Cancel) -> Foreign:
    """Asks after each word whether to go on."""

    def asked(tokens: Tensor, _scores: Foreign, **_rest: Foreign) -> Tensor:
        cancel()
        return torch.zeros(tokens.shape[0], dtype=torch.bool, device=tokens.device)

    return transformers("StoppingCriteriaList")([asked])
