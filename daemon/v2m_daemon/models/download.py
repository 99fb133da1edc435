"""Fetching a file over HTTPS, going on where an earlier attempt was stopped.

The only code of V2M that calls another machine, and only when a user adds a model by name.
Source: RFC 9110, sections 14 (range requests) and 15.5.17 (416).
"""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import urlsplit

from v2m.errors import OutputWriteError, UnfinishedError, UsageError

SILENCE_S: Final = 30
"""A server that says nothing for so long has gone."""

_PIECE_BYTES = 1 << 20
AGENT: Final = {"User-Agent": "v2m", "Accept-Encoding": "identity"}
SECURE: Final = ("https",)


class _SameSecurity(urllib.request.HTTPRedirectHandler):
    def __init__(self, schemes: tuple[str, ...]) -> None:
        self._schemes = schemes

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:  # noqa: ANN401 - urllib's own
        """Follow, but never to where the line is not secure, and without the secret to another server."""
        if not may_call(newurl, self._schemes):
            raise urllib.error.URLError(f"it was redirected to {newurl}")
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None and urlsplit(newurl).netloc != urlsplit(req.full_url).netloc:
            following.remove_header("Authorization")
        return following


def may_call(url: str, schemes: tuple[str, ...] = SECURE) -> bool:
    """Whether an address is one that V2M calls: a secure one, or a server on this very machine."""
    place = urlsplit(url)
    here = place.scheme == "http" and place.hostname in ("127.0.0.1", "localhost", "::1")
    return place.scheme in schemes or here


def download(
    url: str,
    part: Path,
    size_bytes: int,
    on_progress: Callable[[float], None],
    *,
    manual: str,
    schemes: tuple[str, ...] = SECURE,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Complete the file `part`, of which the beginning may be there already.

    Args:
        url: where it is.
        part: grows as bytes come in, and stays when the line breaks.
        size_bytes: about how long it will be; for the progress, and to stop what grows without end.
        on_progress: told the fraction that is there.
        manual: how else the file can be had, for the hint.
        schemes: which addresses may have.
        headers: sent along, to that server alone.

    Raises:
        UnfinishedError: the server cannot be reached, refuses, or the line broke.
        OutputWriteError: the file could not be written.
        UsageError: the address is not a secure one.
    """
    if not may_call(url, schemes):
        raise UsageError(f"{url} is no address that V2M calls, expected https.")
    there = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={**AGENT, **(headers or {})})  # noqa: S310 - it was checked
    if there:
        request.add_header("Range", f"bytes={there}-")
    opener = urllib.request.build_opener(_SameSecurity(schemes))
    try:
        with opener.open(request, timeout=SILENCE_S) as answer:
            goes_on = answer.status == http.client.PARTIAL_CONTENT
            _receive(answer, part, there if goes_on else 0, size_bytes, on_progress)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE:  # then all of it was there before
            raise _failed(url, f"the server answered {error.code} {error.reason}", manual) from error
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
        raise _failed(url, str(getattr(error, "reason", error)), manual) from error


def _receive(
    answer: Any,  # noqa: ANN401 - urllib's own
    part: Path,
    there: int,
    size_bytes: int,
    on_progress: Callable[[float], None],
) -> None:
    try:
        with part.open("r+b" if there else "wb") as file:
            file.seek(there)
            file.truncate()
            while there <= 2 * size_bytes and (piece := answer.read(_PIECE_BYTES)):
                file.write(piece)
                there += len(piece)
                on_progress(min(1.0, there / size_bytes))
        if answer.length:  # a line that broke ends like one that is done
            raise ConnectionError(f"the line broke with {answer.length} bytes to come")
    except (ConnectionError, TimeoutError):
        raise
    except OSError as error:
        raise OutputWriteError(f"Cannot write {part}: {error.strerror or error}.") from error


def _failed(url: str, reason: str, manual: str) -> UnfinishedError:
    place = urlsplit(url)
    return UnfinishedError(
        f"{PurePosixPath(place.path).name} could not be fetched from {place.hostname}: {reason}.",
        hint=f"Try again, it goes on where it stopped; or get {url} by other means and add the file "
        f"with its path. {manual}",
    )
