"""The daemon, asked over gRPC where V2M's client is installed, else through its job directory.

Nothing here blocks Blender: all of it is called in a thread, which tells how far it is and looks now and then
whether it is to stop.
"""

from __future__ import annotations

import json
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from .refused import Refused

Json = dict[str, Any]
Foreign = Any
"""V2M's client, which this Python may not have."""

CLIENT: Final = "blender"
DOCUMENT: Final = "edit.otio"
LOOK_EVERY_S: Final = 0.25
ANSWER_WITHIN_S: Final = 30.0
"""The daemon looks into its inbox every 10 s even where it hears of nothing."""


class Cancelled(Exception):
    """The user stopped it."""


@dataclass(frozen=True)
class Daemon:
    """Which daemon, as the preferences say."""

    home: Path
    """Where the daemon of this machine keeps its state."""

    server: str = ""
    """`HOST:PORT` of one elsewhere; empty: the one of this machine."""

    token_file: str = ""
    certificate: str = ""
    packages: str = ""
    """A folder of Python packages with V2M's client in it; empty: wherever Blender's Python looks."""


@dataclass(frozen=True)
class Wish:
    """What is to be done."""

    fields: Json
    """Of a job: `kind`, `prompt` and so on; None where nothing is wished."""

    out: Path
    """Where the results go."""

    documents: Mapping[str, Json] = field(default_factory=dict)
    """Documents to write, by the field that names them."""

    media: tuple[str, ...] = ()
    """Files that they name: a daemon elsewhere is sent them."""


Tell = Callable[[str, float], None]
"""Called with the stage, or the state before there is one, and the fraction that is done."""


def have_done(daemon: Daemon, wish: Wish, tell: Tell, stopped: threading.Event) -> Json:
    """Have a job done; what `--json` of the same command prints, its `wav` on this machine.

    Raises:
        Refused: it could not be done; or no daemon answers.
        Cancelled: `stopped` was set.
    """
    client = _client(daemon)
    if client is None and daemon.server:
        raise Refused(
            f"V2M's client for gRPC is not in Blender's Python, which a daemon at {daemon.server} needs. "
            "Install v2m for this Python version and name its site-packages in the add-on's preferences."
        )
    try:
        if client is None:
            return _by_directory(daemon.home, wish, tell, stopped)
        return _by_grpc(client, daemon, wish, tell, stopped)
    except (Refused, Cancelled):
        _tidy(wish.out)
        raise
    except OSError as error:
        raise Refused(f"{error.filename or 'A file'}: {error.strerror or error}.") from error


def _client(daemon: Daemon) -> Foreign | None:
    """V2M's client, if this Python has it."""
    if daemon.packages and daemon.packages not in sys.path:
        sys.path.append(daemon.packages)  # last: Blender's own packages go first
    try:
        from v2m_daemon import client
    except ImportError:
        return None
    return client


# --- gRPC -----------------------------------------------------------------------------------------


def _by_grpc(client: Foreign, daemon: Daemon, wish: Wish, tell: Tell, stopped: threading.Event) -> Json:
    from v2m.errors import V2MError

    token, certificate = (Path(each) if each else None for each in (daemon.token_file, daemon.certificate))
    where = {"token_file": token, "certificate": certificate, "home": client.Home.at(daemon.home)}
    try:
        with client.connect(daemon.server, **where) as there:
            spec = _spec_elsewhere(there, wish, tell) if daemon.server else _spec_here(wish)
            job = there.submit(client.JobSpec.from_json({**spec, "client": CLIENT}))
            with _cancelling(there, job.id, stopped):
                for view in there.watch(job.id):
                    tell(view.stage or str(view.state), view.fraction)
            done = there.wait(job.id)
            result = dict(done.result or {})
            if daemon.server:
                result["wav"] = str(wish.out / Path(result["wav"].replace("\\", "/")).name)
                there.fetch(job.id, "wav", Path(result["wav"]))
            return result
    except V2MError as error:
        if error.code == "cancelled":
            raise Cancelled from error
        raise Refused(error.sentence()) from error


@contextmanager
def _cancelling(there: Foreign, job_id: str, stopped: threading.Event) -> Iterator[None]:
    """Meanwhile a thread asks for a stop once the user does: a watch hears of nothing but the job."""
    over = threading.Event()

    def cancel() -> None:
        while not over.is_set():
            if stopped.wait(LOOK_EVERY_S):
                with suppress(Exception):  # the watch is told what is wrong, too
                    there.cancel(job_id)
                return

    thread = threading.Thread(target=cancel, name="v2m-cancel", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _spec_here(wish: Wish) -> Json:
    """The job for a daemon that sees this machine's files."""
    return {**_said(wish), **_written(wish, wish.out), "out_dir": str(wish.out)}


def _spec_elsewhere(there: Foreign, wish: Wish, tell: Tell) -> Json:
    """The same for one on another machine, once it has the files; one that is missing here stays so there."""
    sent = {}
    media = [path for path in wish.media if Path(path).is_file()]
    for number, path in enumerate(media, start=1):
        tell(f"sending film {number} of {len(media)}", 0.0)
        sent[path] = there.upload(Path(path))
    documents = {name: there.upload(Path(path)) for name, path in _written(wish, wish.out).items()}
    path_map = [[path, far] for path, far in sent.items()]
    spec = {**_said(wish), **documents}
    return {**spec, "path_map": path_map} if spec["kind"] == "score" else spec


# --- job directory --------------------------------------------------------------------------------


def _by_directory(home: Path, wish: Wish, tell: Tell, stopped: threading.Event) -> Json:
    if not (home / "endpoint.json").exists():
        raise Refused("V2M is not running. Start it with `v2m serve`.")
    folder = home / "inbox" / f"{CLIENT}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
    folder.mkdir(parents=True, mode=0o700)
    job = {"version": 1, "client": CLIENT, "out_dir": str(wish.out), **_said(wish), **_written(wish, folder)}
    _write(folder / "job.json", job)
    asked_s = time.monotonic()
    try:
        while True:
            if stopped.is_set():
                raise Cancelled
            if (error := _read(folder / "error.json")) is not None:
                raise Refused(f"{error['message']} {error['hint']}".strip())
            if (result := _read(folder / "result.json")) is not None:
                return dict(result["result"])
            status = _read(folder / "status.json")
            if status is not None:
                tell(status["stage"] or status["state"], status["fraction"])
            elif time.monotonic() - asked_s > ANSWER_WITHIN_S:
                raise Refused("V2M does not answer. Start it with `v2m serve`.")
            time.sleep(LOOK_EVERY_S)
    except BaseException:  # whoever stops waiting wants no result
        (folder / "cancel").touch()
        raise


def _said(wish: Wish) -> Json:
    return {name: value for name, value in wish.fields.items() if value is not None}


def _written(wish: Wish, folder: Path) -> dict[str, str]:
    """The documents on disk, by their fields."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / DOCUMENT for name in wish.documents}
    for name, content in wish.documents.items():
        _write(paths[name], content)
    return {name: str(path) for name, path in paths.items()}


def _tidy(out: Path) -> None:
    """Leave no folder behind in which nothing was made."""
    with suppress(OSError):
        (out / DOCUMENT).unlink(missing_ok=True)
        out.rmdir()


def _read(path: Path) -> Json | None:
    """An object in a file; None where there is none yet, or half of one."""
    with suppress(OSError, ValueError):
        value = json.loads(path.read_bytes())
        return value if isinstance(value, dict) else None
    return None


def _write(path: Path, value: Json) -> None:
    """Put an object in place whole."""
    hidden = path.with_name(f".{path.name}")
    hidden.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    hidden.replace(path)
