"""What calls carry beside their requests. The secret is made by the first daemon, kept for the user alone."""

from __future__ import annotations

import secrets
import sys
from typing import Final

from v2m.errors import UnreachableError
from v2m_daemon.durable import write_whole
from v2m_daemon.home import Home

TOKEN_BYTES: Final = 32
"""As many random bytes as a key of AES-256."""

HEADER: Final = "authorization"
"""The metadata of a call in which it travels, as `Bearer TOKEN`."""

IS_NEW: Final = "v2m-new"
"""The metadata by which a call says that its job was not asked for before, whatever its value."""


def make_token(home: Home) -> str:
    """The token of this home, made where there is none.

    Raises:
        OutputWriteError: it cannot be written.
    """
    try:
        return read_token(home)
    except UnreachableError:
        write_whole(home.token, secrets.token_urlsafe(TOKEN_BYTES).encode())
        return read_token(home)


def read_token(home: Home) -> str:
    """The token of this home.

    Raises:
        UnreachableError: there is none that can be read.
    """
    try:
        if sys.platform != "win32" and home.token.stat().st_mode & 0o077:
            home.token.chmod(0o600)  # somebody copied the home without its rights
        token = home.token.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise UnreachableError(
            f"There is no token to be read at {home.token}.",
            hint="Start the daemon with `v2m serve`, or set V2M_HOME to where it runs.",
        ) from error
    if not token:
        raise UnreachableError(f"The token at {home.token} is empty.", hint="Delete it and start the daemon.")
    return token


def bearer(token: str) -> str:
    """What stands in `HEADER`."""
    return f"Bearer {token}"
