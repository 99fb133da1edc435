"""The one error: a sentence for a person."""

from __future__ import annotations


class Refused(Exception):
    """What was seen, what was expected, and what to do."""
