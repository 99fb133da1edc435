"""The listening test on loopback: page, pairs and votes, for whoever knows the token.

    GET  /?token=T                    the page
    GET  /T/state?listener=L          the listener's next trial: {"trial", "done", "count"}
    GET  /T/media/TRIAL/video|left|right    the file, whole or the range that was asked for
    POST /T/vote                      {"trial", "listener", "quality", "sync"} -> the next state

Nothing but 127.0.0.1 is listened on, every path holds the token, and requests whose Host is another name are
refused, so that no page of another site can reach the test through the browser (DNS rebinding). Names of
files and makers never leave the server.
"""

from __future__ import annotations

import hmac
import json
import mimetypes
import re
import secrets
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from v2m.errors import InputError, UnfinishedError, V2MError
from v2m.evaluation.listening.page import page, policy
from v2m.evaluation.listening.trials import Test, Trial, read_test
from v2m.evaluation.listening.votes import Vote, add_vote, read_votes

_MOST_VOTE_BYTES: Final = 4096
_BLOCK: Final = 1 << 16
_FIXED: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_RANGE: Final = re.compile(r"bytes=(\d+)-(\d*)")


class ListeningServer(ThreadingHTTPServer):
    """Serves one test; use it in a `with`, and call `serve_forever`."""

    daemon_threads = True

    def __init__(self, folder: Path, port: int = 0, token: str = "") -> None:
        self.folder = folder
        self.test: Test = read_test(folder)
        self.token = token or secrets.token_urlsafe(24)
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise UnfinishedError(
                f"Port {port} cannot be listened on: {error.strerror}.",
                hint="Leave --port away for a free one.",
            ) from error

    @property
    def address(self) -> str:
        """What a listener opens."""
        return f"http://127.0.0.1:{self.server_port}/?token={self.token}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that goes away in the middle of a file is no error; anything else is told."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def state(self, listener: str) -> dict[str, Any]:
        """What a listener has done and gets next."""
        done = {vote.trial for vote in read_votes(self.folder) if vote.listener == listener}
        left = [trial.id for trial in self.test.for_listener(listener) if trial.id not in done]
        return {
            "trial": left[0] if left else None,
            "done": len(self.test.trials) - len(left),
            "count": len(self.test.trials),
        }


class _Handler(BaseHTTPRequestHandler):
    server: ListeningServer
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        """Page, state or media."""
        url = urlsplit(self.path)
        if not self._is_for_us():
            self._refuse(HTTPStatus.FORBIDDEN)
        elif url.path == "/":
            self._show_page(parse_qs(url.query).get("token", [""])[0])
        elif (parts := self._own(url.path)) is None:
            self._refuse(HTTPStatus.FORBIDDEN)
        elif parts == ["state"]:
            self._tell(self.server.state(parse_qs(url.query).get("listener", [""])[0]))
        elif len(parts) == 3 and parts[0] == "media":
            self._send_media(parts[1], parts[2])
        else:
            self._refuse(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        """A vote."""
        if not self._is_for_us() or self._own(urlsplit(self.path).path) != ["vote"]:
            self._refuse(HTTPStatus.FORBIDDEN)
            return
        try:
            vote = self._read_vote()
            add_vote(self.server.folder, vote)
        except InputError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, error.sentence())
        except V2MError as error:
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, error.sentence())
        else:
            self._tell(self.server.state(vote.listener))

    def log_message(self, format: str, *args: object) -> None:
        """Be quiet: addresses hold the token."""

    def _is_for_us(self) -> bool:
        host = self.headers.get("Host", "")
        return host in (f"127.0.0.1:{self.server.server_port}", f"localhost:{self.server.server_port}")

    def _own(self, path: str) -> list[str] | None:
        """What follows the token in a path, None without the right one."""
        first, *rest = [unquote(part) for part in path.strip("/").split("/")]
        return rest if hmac.compare_digest(first.encode(), self.server.token.encode()) else None

    def _read_vote(self) -> Vote:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > _MOST_VOTE_BYTES:
            self.close_connection = True
            raise InputError("The vote has no length, or is longer than any vote.")
        try:
            vote = Vote(**json.loads(self.rfile.read(int(length))))
        except (ValueError, TypeError) as error:
            raise InputError("The vote is none.", detail=repr(error)) from error
        except V2MError as error:
            raise InputError(error.message) from error
        if self.server.test.trial(vote.trial) is None:
            raise InputError("The vote is on a trial of another test.")
        return vote

    def _show_page(self, token: str) -> None:
        if not hmac.compare_digest(token.encode(), self.server.token.encode()):
            self._refuse(HTTPStatus.FORBIDDEN, "Open the address that `v2m evaluate listen serve` printed.")
            return
        self._send(
            HTTPStatus.OK, page().encode(), "text/html; charset=utf-8", {"Content-Security-Policy": policy()}
        )

    def _tell(self, data: dict[str, Any]) -> None:
        self._send(HTTPStatus.OK, json.dumps(data).encode(), "application/json")

    def _refuse(self, status: HTTPStatus, words: str = "") -> None:
        self._send(status, (words or status.phrase).encode(), "text/plain; charset=utf-8")

    def _send(self, status: HTTPStatus, body: bytes, kind: str, more: dict[str, str] | None = None) -> None:
        self._begin(status, len(body), kind, more or {})
        self.wfile.write(body)

    def _begin(self, status: HTTPStatus, length: int, kind: str, more: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(length), **_FIXED, **more}.items():
            self.send_header(name, value)
        self.end_headers()

    def _send_media(self, trial_id: str, which: str) -> None:
        trial = self.server.test.trial(trial_id)
        path = _media_of(trial, which) if trial else None
        if path is None or not path.is_file():
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        size, kind = path.stat().st_size, mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        asked = _RANGE.fullmatch(self.headers.get("Range", ""))
        first = int(asked[1]) if asked else 0
        last = min(int(asked[2]), size - 1) if asked and asked[2] else size - 1
        if first > last:
            self._send(
                HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, b"", kind, {"Content-Range": f"bytes */{size}"}
            )
            return
        more = {"Accept-Ranges": "bytes"} | (
            {"Content-Range": f"bytes {first}-{last}/{size}"} if asked else {}
        )
        with path.open("rb") as file:
            file.seek(first)
            self._begin(HTTPStatus.PARTIAL_CONTENT if asked else HTTPStatus.OK, last - first + 1, kind, more)
            left = last - first + 1
            while left and (block := file.read(min(_BLOCK, left))):
                self.wfile.write(block)
                left -= len(block)


def _media_of(trial: Trial, which: str) -> Path | None:
    places = {"video": trial.video, "left": trial.left, "right": trial.right}
    return Path(places[which]) if which in places else None
