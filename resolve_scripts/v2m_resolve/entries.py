"""The four entries of the menu as commands."""

from __future__ import annotations

import argparse
import os
import re
import secrets
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from v2m_resolve.daemon import Ask, Json, by_directory, by_grpc
from v2m_resolve.editor import Api, Editor, connect
from v2m_resolve.markers import nudges, show_markers
from v2m_resolve.refused import Refused
from v2m_resolve.takes import Takes, takes_of
from v2m_resolve.track import Track


def main(arguments: Sequence[str] | None = None, app: Api = None) -> int:
    """Do one of them and print one sentence; 0, or 4 where it could not be done."""
    wanted = parser().parse_args(arguments)
    try:
        with ExitStack() as restore:
            print(f"V2M: {Entry(wanted, Editor(app or connect()), restore).run()}")
    except Refused as refused:
        print(f"V2M: {refused}", file=sys.stderr)
        return 4
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(prog="v2m_resolve", description="Music for the timeline open in Resolve.")
    found.add_argument("entry", choices=["score", "retime", "restyle", "takes"])
    found.add_argument("--prompt", metavar="TEXT", help="style, mood, instruments, tempo")
    found.add_argument("--takes", metavar="N", type=int, help="score: how many to compose")
    found.add_argument("--seed", metavar="N", type=int, help="the same seed makes the same music")
    for name, what in (
        ("--lock", "parts that are kept to the sample"),
        ("--only", "parts that are made again; all others are kept"),
        ("--mute", "parts that are left out"),
        ("--solo", "parts of which all others are left out"),
    ):
        found.add_argument(name, metavar="PARTS", help=f"restyle: {what}: rhythm, or drums,bass …")
    found.add_argument("--range", metavar="A..B", help="restyle: what alone is composed again")
    found.add_argument(
        "--intensity", metavar="WHERE=AMOUNT", action="append", type=_amount,
        help="restyle: more (1) or less (-1) happens in A..B or at a hit; may be given again",
    )  # fmt: skip
    found.add_argument("--max-bend", metavar="PERCENT", type=float, help="retime: how far a beat may stretch")
    found.add_argument("--whole", action="store_true", help="score: whatever the in and out marks say")
    found.add_argument("--markers", metavar="COLOR", default="Purple", help="of the hit markers, or off")
    found.add_argument(
        "--home", metavar="DIR", type=Path, help="V2M's folder (default: V2M_HOME, or the user's)"
    )
    found.add_argument("--music", metavar="DIR", type=Path, help="as of `v2m install-resolve`")
    found.add_argument("--files", action="store_true", help="by the job directory even where gRPC would do")
    return found


_RESTYLE = ("prompt", "lock", "only", "mute", "solo", "range", "intensity")


def _amount(text: str) -> list[str]:
    where, equals, amount = text.rpartition("=")
    if not (where and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not WHERE=AMOUNT")
    return [where, amount]


class Entry:
    """One entry, with what it needs."""

    def __init__(self, wanted: argparse.Namespace, editor: Editor, restore: ExitStack) -> None:
        """Nothing is changed yet."""
        self.wanted, self.editor, self.restore = wanted, editor, restore
        self.home: Path = wanted.home or user_home()
        self.folder: Path = (wanted.music or music_folder()) / plain_name(str(editor.timeline.GetUniqueId()))
        self.takes = Takes(self.folder)
        self.track = Track(editor, self.folder, restore)

    def run(self) -> str:
        """Do it; returns the sentence that tells of it."""
        sentence: str = getattr(self, f"_{self.wanted.entry}")()
        return sentence

    def _score(self) -> str:
        first, last = (None, None) if self.wanted.whole else self.editor.range()
        fields: Json = {"prompt": self.wanted.prompt, "takes": self.wanted.takes, "seed": self.wanted.seed}
        fields["in_point"] = None if first is None else f"{first}f"
        fields["out_point"] = None if last is None else f"{last}f"
        return self._have_done("score", fields, first or 0, exported="document")

    def _retime(self) -> str:
        take = self._placed()
        moved = nudges(self.editor, take["first"])
        fields: Json = {"document": take["take"], "nudges": moved or None, "max_bend": self.wanted.max_bend}
        return self._have_done("retime", fields, take["first"], exported=None if moved else "timeline")

    def _restyle(self) -> str:
        fields = {name: getattr(self.wanted, name) for name in _RESTYLE}
        if not any(fields.values()):
            raise Refused("A restyle needs new words: --prompt TEXT.")
        take = self._placed()
        fields |= {"document": take["take"], "seed": self.wanted.seed}
        return self._have_done("restyle", fields, take["first"])

    def _takes(self) -> str:
        takes = self.takes.read()
        if not takes:
            raise Refused("This timeline has no takes yet. Score it first.")
        placed = max((self.takes.number(path) for _, _, path in self.track.ours()), default=0)
        number = placed - 1 if placed > 1 else len(takes)
        self._show(takes[number - 1])
        return f"Take {number} of {len(takes)} is on the track."

    def _placed(self) -> Json:
        """The latest take that is on the timeline."""
        number = max((self.takes.number(path) for _, _, path in self.track.ours()), default=0)
        if not number:
            raise Refused("There is no music of V2M on this timeline. Score it first.")
        return self.takes.read()[number - 1]

    def _have_done(self, kind: str, fields: Json, first: int, *, exported: str | None = None) -> str:
        """Ask the daemon and place what comes; `exported` is the field that names the timeline's export."""
        stamp = time.strftime("%Y%m%d-%H%M%S")
        folder = self.home / "inbox" / f"resolve-{stamp}-{secrets.token_hex(3)}"
        try:
            folder.mkdir(parents=True, mode=0o700)
        except OSError as error:
            raise Refused(f"The folder {folder} cannot be made: {error.strerror}.") from error
        if exported:
            fields[exported] = f"{plain_name(self.editor.name)}.otio"
            self.editor.export(folder / fields[exported])
        fields |= {"kind": kind, "out_dir": str(self.folder / folder.name)}
        result = self._way(folder)({name: value for name, value in fields.items() if value is not None})
        takes = takes_of(result, first, self.editor.rate)
        self.takes.add(takes)
        self._show(takes[-1])
        return f"The music is on the track, {result.get('duration_s', 0):.2f} s long."

    def _way(self, folder: Path) -> Ask:
        grpc = None if self.wanted.files else by_grpc(self.home, folder)
        return grpc or by_directory(self.home, folder)

    def _show(self, take: Json) -> None:
        self.editor.come_back(self.restore)
        self.track.place(take)
        show_markers(self.editor, take, self.wanted.markers)


def plain_name(text: str) -> str:
    """A name that all systems take."""
    return re.sub(r'[\x00-\x1f\x7f<>:"/\\|?*]', "_", text).strip(" .")[:80] or "timeline"


def user_home() -> Path:
    """Where the daemon keeps its state: V2M_HOME, else where the platform puts it."""
    if root := os.environ.get("V2M_HOME"):
        return Path(root).absolute()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "v2m"
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/v2m"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "v2m"


def music_folder() -> Path:
    """Where `v2m install-resolve` has the music lie by default."""
    if root := os.environ.get("V2M_HOME"):
        return Path(root).absolute() / "data/resolve"
    return Path.home() / "Music/V2M"
