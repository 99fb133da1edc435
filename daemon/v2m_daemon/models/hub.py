r"""A hub of models, asked for what it has: names, sizes and hashes of the files of a repository.

The calls are those that the Hugging Face Hub documents; `HF_ENDPOINT` names a mirror of it, as everywhere:

    GET  /api/models/REPOSITORY/revision/main   commit and names
    HEAD /REPOSITORY/resolve/COMMIT/NAME        X-Linked-Size, X-Linked-ETag (SHA-256 of a large file), ETag

A token for repositories that want one is taken from `HF_TOKEN` and sent to that server alone.
Sources: https://huggingface.co/docs/hub/api; the hub's headers as huggingface_hub reads them. The ETag of a
small file is its Git blob hash, SHA-1 over `blob SIZE\0` and the content.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urljoin, urlsplit

from v2m.errors import DataLossError, UnfinishedError, UsageError
from v2m_daemon.models.download import AGENT, SILENCE_S, may_call

ENDPOINT_VARIABLE: Final = "HF_ENDPOINT"
TOKEN_VARIABLE: Final = "HF_TOKEN"  # noqa: S105 - the name of a variable
PUBLIC: Final = "https://huggingface.co"

_LONGEST_LIST_BYTES: Final = 20_000_000
_REDIRECTS: Final = 5


@dataclass(frozen=True)
class HubFile:
    """A file of a repository as the hub tells of it."""

    url: str
    size_bytes: int
    digest: str
    """SHA-256 (64 signs) of a large file, Git blob SHA-1 (40 signs) of a small one, hexadecimal."""

    def is_in(self, path: Path, sha256: str) -> bool:
        """Whether a file here, whose SHA-256 is known, is this one."""
        if len(self.digest) == 64:
            return sha256 == self.digest
        sha1 = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                sha1.update(piece)
        return sha1.hexdigest() == self.digest


class Hub:
    """One repository at one commit."""

    def __init__(self, repository: str, manual: str, environment: Mapping[str, str] = os.environ) -> None:
        self.repository = repository
        self._manual = manual
        self._endpoint = environment.get(ENDPOINT_VARIABLE, "").rstrip("/") or PUBLIC
        self._token = environment.get(TOKEN_VARIABLE, "")
        if not may_call(self._endpoint):
            raise UsageError(
                f"{ENDPOINT_VARIABLE} is {self._endpoint}, expected an address that begins with https://."
            )

    @property
    def headers(self) -> dict[str, str]:
        """What is sent with every call."""
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    def names(self) -> tuple[str, tuple[str, ...]]:
        """The commit that `main` is now, and the names of its files.

        Raises:
            UnfinishedError: the hub cannot be reached, or does not give it out; says what to do.
        """
        url = f"{self._endpoint}/api/models/{quote(self.repository)}/revision/main"
        with self._call("GET", url) as answer:
            text = answer.read(_LONGEST_LIST_BYTES)
        try:
            told = json.loads(text)
            return str(told["sha"]), tuple(str(row["rfilename"]) for row in told["siblings"])
        except (ValueError, KeyError, TypeError) as error:
            raise self._refused("it answered with something that is no list of files") from error

    def file(self, commit: str, name: str) -> HubFile:
        """Size and hash of a file.

        Raises:
            UnfinishedError: as `names`.
            DataLossError: the hub tells no hash, so nobody could say whether the file came whole.
        """
        url = f"{self._endpoint}/{quote(self.repository)}/resolve/{quote(commit)}/{quote(name)}"
        with self._call("HEAD", url) as answer:
            told = answer.headers
            etag = (told.get("X-Linked-ETag") or told.get("ETag") or "").strip()
            digest = etag.removeprefix("W/").strip('"')
            size = told.get("X-Linked-Size") or told.get("Content-Length") or ""
        if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", digest) or not size.isdigit():
            raise DataLossError(
                f"{self._host} tells no hash of {name}, so it could not be checked.", hint=self._manual
            )
        return HubFile(url, int(size), digest)

    def _call(self, method: str, url: str) -> Any:  # noqa: ANN401 - urllib's own
        """Ask; only redirects within the same server are followed, those to where the bytes lie are not."""
        opener = urllib.request.build_opener(_Still)
        for _ in range(_REDIRECTS):
            request = urllib.request.Request(url, headers={**AGENT, **self.headers}, method=method)  # noqa: S310 - it was checked
            try:
                answer = opener.open(request, timeout=SILENCE_S)
            except urllib.error.HTTPError as error:
                with error:
                    raise self._answered(error) from error
            except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
                raise self._refused(str(getattr(error, "reason", error))) from error
            there = answer.headers.get("Location")
            if not there or urlsplit(urljoin(url, there)).netloc != urlsplit(url).netloc:
                return answer
            answer.close()
            url = urljoin(url, there)
        raise self._refused("it redirects in circles")

    @property
    def _host(self) -> str:
        return urlsplit(self._endpoint).hostname or self._endpoint

    def _refused(self, reason: str) -> UnfinishedError:
        return UnfinishedError(
            f"{self.repository} could not be had from {self._host}: {reason}.",
            hint=f"Try again; or get it by other means and give its folder: `v2m models add NAME FOLDER`. "
            f"{self._manual}",
        )

    def _answered(self, error: urllib.error.HTTPError) -> UnfinishedError:
        if error.code not in (http.client.UNAUTHORIZED, http.client.FORBIDDEN):
            return self._refused(f"the server answered {error.code} {error.reason}")
        return UnfinishedError(
            f"{self.repository} is given only to those who accepted its conditions, and "
            + ("this token's user has not." if self._token else "no token was given."),
            hint=self.steps(),
            detail=error.headers.get("X-Error-Message") or error.headers.get("X-Error-Code") or "",
        )

    def steps(self) -> str:
        """How to get at a repository that is gated, step by step."""
        return (
            f"1. Sign in at {self._endpoint}/{self.repository} and accept the conditions there. "
            f"2. Make a token that may read gated repositories at {self._endpoint}/settings/tokens. "
            f"3. Set {TOKEN_VARIABLE} to it and run the same command again. "
            "Or fetch the repository in a browser and give its folder: `v2m models add NAME FOLDER`."
        )


class _Still(urllib.request.HTTPRedirectHandler):
    """Hands a redirect back as an answer: its headers say size and hash."""

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:  # noqa: ANN401 - urllib's own
        """The answer as it is."""
        return fp

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302
