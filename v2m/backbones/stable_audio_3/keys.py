"""Keys of a configuration, each asked for once by name and kind; what nobody asked for is refused.

Sources: the project's rule that an unknown key is an error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from v2m.errors import CheckpointError

_LARGEST: Final = 1e9  # of any size or count: more is nonsense, and would exhaust memory


class ConfigKeys:
    """One object of a JSON configuration."""

    def __init__(self, where: str, values: Any) -> None:  # noqa: ANN401 - JSON, checked here
        self._where = where
        if not isinstance(values, Mapping):
            raise self.refusal(f"there is {type(values).__name__}, expected an object")
        self._values = values
        self._asked: set[str] = set()

    def refusal(self, why: str) -> CheckpointError:
        """The error that says which part of the configuration cannot be used."""
        return CheckpointError(
            f"{self._where} describes no Stable Audio 3 model that is known here: {why}.",
            hint="Check that the configuration belongs to the weights and is whole.",
        )

    def has(self, name: str) -> bool:
        """Whether a key is there and not null."""
        return self._values.get(name) is not None

    def below(self, name: str, default: Mapping[str, Any] | None = None) -> ConfigKeys:
        """An object within this one."""
        return ConfigKeys(f"{self._where}: {name}", self._take(name, default))

    def parts(self, name: str) -> list[ConfigKeys]:
        """A list of objects within this one."""
        return [ConfigKeys(f"{self._where}: {name}[{i}]", part) for i, part in enumerate(self.sequence(name))]

    def number(self, name: str, default: float | None = None) -> float:
        """A finite number of a sane size."""
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self.refusal(f"{name} is {value!r}, expected a number")
        if abs(value) > _LARGEST:
            raise self.refusal(f"{name} is {value!r}, which is beyond any model")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """True or false."""
        value = self._take(name, default)
        if not isinstance(value, bool):
            raise self.refusal(f"{name} is {value!r}, expected true or false")
        return value

    def word(self, name: str, default: str | None = None) -> str:
        """A string."""
        value = self._take(name, default)
        if not isinstance(value, str):
            raise self.refusal(f"{name} is {value!r}, expected a string")
        return value

    def choose(self, name: str, known: tuple[str, ...], default: str | None = None) -> str:
        """A string out of those that are known."""
        value = self.word(name, default)
        if value not in known:
            raise self.refusal(f"{name} is {value!r}, expected one of {', '.join(known)}")
        return value

    def sequence(self, name: str) -> Sequence[Any]:
        """A list; empty where there is none."""
        value = self._take(name, ())
        if not isinstance(value, list | tuple):
            raise self.refusal(f"{name} is {value!r}, expected a list")
        return value

    def only(self, name: str, default: float | None = None) -> float:
        """The number in a list of one."""
        if not self.has(name) and default is not None:
            return default
        value = self.sequence(name)
        if len(value) != 1:
            raise self.refusal(f"{name} is {list(value)}, expected a list of one number")
        return ConfigKeys(self._where, {name: value[0]}).number(name)

    def refuse_flags(self, *names: str) -> None:
        """Refuse what would be another model, were it set."""
        for name in names:
            if self._take(name, False):
                raise self.refusal(f"{name} is set")

    def ignore(self, *names: str) -> None:
        """Pass over keys, whatever they hold."""
        self._asked.update(names)

    def left(self) -> list[str]:
        """Keys that nobody asked for."""
        return [name for name in self._values if name not in self._asked]

    def done(self) -> None:
        """Refuse what nobody asked for."""
        if left := self.left():
            raise self.refusal(f"it has the keys {', '.join(sorted(left))}")

    def _take(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - JSON
        self._asked.add(name)
        value = self._values.get(name)
        if value is None:
            value = default
        if value is None:
            raise self.refusal(f"{name} is missing")
        return value
