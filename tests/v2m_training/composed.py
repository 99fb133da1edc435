"""Pieces of every style, composed once for all who look at them."""

from functools import cache

from v2m_training.compose import Piece, compose


@cache
def composed(seed: int, style: str) -> Piece:
    """The piece; it is frozen, so that all may have the same one."""
    return compose(seed, style)
