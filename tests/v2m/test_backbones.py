"""What a user, or a take, says of where and how a model of sound computes."""

import pytest

from v2m.backbones import AskedArithmetic, load_backbone, read_arithmetic
from v2m.errors import UsageError


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("", AskedArithmetic()),
        ("cpu bfloat16", AskedArithmetic("cpu", "bfloat16")),
        ("cuda:1 float16 compiled", AskedArithmetic("cuda:1", "float16", True)),
        ("compiled", AskedArithmetic(compiled=True)),
        ("float32  compiled", AskedArithmetic("auto", "float32", True)),
    ],
)
def test_each_word_says_what_it_is(words: str, asked: AskedArithmetic) -> None:
    assert read_arithmetic(words) == asked


@pytest.mark.parametrize("words", ["cpu cuda", "float32 bfloat16", "compiled compiled"])
def test_two_words_of_a_kind_are_refused(words: str) -> None:
    with pytest.raises(UsageError, match="names"):
        read_arithmetic(words)


def test_the_embedded_model_reads_the_same_words() -> None:
    assert load_backbone("sketch", "cpu float32").arithmetic == "cpu float32"
