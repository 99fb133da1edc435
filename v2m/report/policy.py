"""What the page allows itself: its own style and script by their hashes, data inside it, and nothing else.

Source: W3C, Content Security Policy Level 3, sections 6.7 (hashes) and 6.1 (sources).
"""

from __future__ import annotations

import base64
import hashlib


def content_policy(style: str, script: str) -> str:
    """The policy for a page with one style and one script element of these texts."""
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src {_hash(style)}",
            f"script-src {_hash(script)}",
            "img-src data:",
            "media-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii") + "'"
