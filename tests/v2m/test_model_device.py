"""Choosing device and number format."""

import pytest
import torch

from v2m.errors import MissingPartError, UsageError
from v2m.model.device import choose_device, fast_dtype, is_out_of_memory


def test_auto_takes_the_best_that_is_there() -> None:
    kind = choose_device("auto").type
    if torch.cuda.is_available():
        assert kind == "cuda"
    elif torch.backends.mps.is_available():
        assert kind == "mps"
    else:
        assert kind == "cpu"


def test_a_name_is_taken_at_its_word() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    for wrong in ("gpu", "cuda:x", "", "meta"):
        with pytest.raises(UsageError, match="auto"):
            choose_device(wrong)
    for absent in ("cuda:99", *(["cuda"] if not torch.cuda.is_available() else [])):
        with pytest.raises(MissingPartError, match="not available"):
            choose_device(absent)


def test_the_fast_format_can_be_computed_with() -> None:
    device = choose_device("cpu")
    dtype = fast_dtype(device)
    assert dtype in (torch.float32, torch.bfloat16)
    assert dtype == fast_dtype(device)
    torch.testing.assert_close(torch.ones(4, 4, dtype=dtype) @ torch.ones(4, 4, dtype=dtype),
                               torch.full((4, 4), 4, dtype=dtype))  # fmt: skip


def test_memory_that_ran_out_is_told_from_other_troubles() -> None:
    with pytest.raises(RuntimeError) as real:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(real.value)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("shapes do not match"))
    assert not is_out_of_memory(OSError("no space left"))
