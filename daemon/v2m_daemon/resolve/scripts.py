"""V2M's entries in Resolve's menu: one self-contained Lua file each, made of the parts in `src/`.

    python -m v2m_daemon.resolve.scripts      makes the files in resolve_scripts/ anew

Conventions: a part says `need("name")` for another; an entry holds all parts that it needs, for Resolve's Lua
finds no modules. The line `local ADDRESSES = ...` is all that an installed script has beyond the shipped one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import platformdirs

from v2m import __version__
from v2m_daemon.home import Home

MENU: Final = {
    "V2M Score": "score",
    "V2M Retime": "retime",
    "V2M Restyle": "restyle",
    "V2M Takes": "takes_menu",
}
"""Name in Workspace > Scripts -> the part that does it."""

SIGN: Final = "-- V2M's script for DaVinci Resolve"
"""How a file begins that is ours."""

_PACKAGED: Final = Path(__file__).parents[1] / "resolve_scripts"
_CHECKOUT: Final = Path(__file__).parents[3] / "resolve_scripts"

_NEED: Final = re.compile(r'\bneed\("(\w+)"\)')
_ADDRESSES: Final = re.compile(r"^local ADDRESSES = .*$", re.MULTILINE)
_NOT_PLAIN: Final = re.compile(rb"[^ !#-\[\]-~]")


@dataclass(frozen=True)
class Addresses:
    """What a script must know of this machine; absolute paths as Resolve sees them."""

    version: str = ""
    """Of V2M, so that script and daemon notice when they differ."""

    inbox: str = ""
    """The daemon's folder of job directories."""

    music: str = ""
    """Folder for the music of all timelines."""

    endpoint: str = ""
    """The file that is there while a daemon runs."""

    preferences: str = ""
    log: str = ""

    @classmethod
    def of(cls, home: Home, music: Path) -> Addresses:
        """Those of a home's daemon."""
        return cls(
            version=__version__,
            inbox=str(home.inbox),
            music=str(music),
            endpoint=str(home.endpoint),
            preferences=str(home.config / "resolve.json"),
            log=str(home.state / "resolve.log"),
        )

    def line(self) -> str:
        """The line of Lua that holds them, in ASCII whatever the paths hold."""
        return f"local ADDRESSES = {{ {', '.join(f'{k} = {_quoted(v)}' for k, v in asdict(self).items())} }}"


def music_folder(home: Home) -> Path:
    """Where music for Resolve lies by default: where V2M_HOME says, else with the user's music."""
    if home == Home.find({}):
        return Path(platformdirs.user_music_dir()) / "V2M"
    return home.data / "resolve"


def scripts_folder() -> Path:
    """The shipped scripts, in an installed package or a checkout."""
    return _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT


def shipped(name: str) -> str:
    """The text of an entry of the menu, without addresses."""
    return (scripts_folder() / f"{name}.lua").read_text(encoding="utf-8")


def addressed(text: str, addresses: Addresses) -> str:
    """A script that knows where V2M is."""
    line = addresses.line()
    return _ADDRESSES.sub(lambda _: line, text, count=1)


def assembled(name: str, src: Path | None = None) -> str:
    """An entry of the menu, made of its parts."""
    src = src or _CHECKOUT / "src"
    main = (src / f"{MENU[name]}.lua").read_text(encoding="utf-8")
    parts = [_part(each, src) for each in _needed(MENU[name], src)]
    return "\n".join([_HEAD.format(sign=SIGN, name=name, line=Addresses().line()), *parts, main])


def write_all(folder: Path = _CHECKOUT) -> None:
    """Make the shipped files anew."""
    for name in MENU:
        (folder / f"{name}.lua").write_text(assembled(name, folder / "src"), encoding="utf-8", newline="\n")


_HEAD: Final = """{sign}: {name}. Made of resolve_scripts/src/; edit there.
{line}

local parts, made = {{}}, {{}}

local function need(name)
    if made[name] == nil then
        made[name] = parts[name]()
    end
    return made[name]
end
"""


def _needed(name: str, src: Path) -> list[str]:
    """All parts that one needs, each after those that it needs itself."""
    found: list[str] = []

    def visit(part: str) -> None:
        for other in _needs(part, src):
            if other not in found:
                visit(other)
                found.append(other)

    visit(name)
    return found


def _needs(part: str, src: Path) -> Iterator[str]:
    yield from _NEED.findall((src / f"{part}.lua").read_text(encoding="utf-8"))


def _part(name: str, src: Path) -> str:
    text = (src / f"{name}.lua").read_text(encoding="utf-8").rstrip("\n")
    return f'parts["{name}"] = function()\n\n{text}\n\nend\n'


def _quoted(text: str) -> str:
    """A Lua string; a byte that is not plain ASCII becomes its decimal escape."""
    return '"' + _NOT_PLAIN.sub(lambda found: b"\\%03d" % found[0][0], text.encode()).decode() + '"'


if __name__ == "__main__":
    write_all()
