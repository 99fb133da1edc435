"""The tree of errors is as its documentation draws it, and an error stays whole between processes."""

import copy
import re
from collections.abc import Iterator

import pytest

from v2m import errors
from v2m.errors import V2MError


def tree(error: type[V2MError] = V2MError) -> Iterator[type[V2MError]]:
    yield error
    for child in error.__subclasses__():
        yield from tree(child)


def test_the_drawn_tree_has_every_error_with_its_codes() -> None:
    assert errors.__doc__ is not None
    drawn = re.findall(r"(\w+Error) +(\d+)  (\w+)", errors.__doc__)
    assert drawn == [(kind.__name__, str(kind.exit_code), kind.code) for kind in tree()]
    assert len({kind.code for kind in tree()}) == len(drawn)


@pytest.mark.parametrize("kind", list(tree()), ids=lambda kind: kind.__name__)
def test_hint_and_detail_cross_the_border_of_a_process(kind: type[V2MError]) -> None:
    error = kind("It is so.", hint="Do this.", detail="line 3")
    arrived = copy.copy(error)  # by the same protocol as between processes
    assert type(arrived) is kind
    assert arrived.as_dict() == error.as_dict()
    assert arrived.sentence() == "It is so. Do this."
    assert str(arrived) == "It is so."
