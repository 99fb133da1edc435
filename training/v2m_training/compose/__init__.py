"""A composer with rules: it writes the music that the embedded model learns from.

The files in the order in which a piece comes to be: `styles` (what is idiomatic) -> `form` (events and
sections) -> `texture` (who plays when) -> `harmony` and `progressions` (chords and their voicings) ->
`rhythm`, `bass`, `comping`, `figures`, `melody` (the parts) -> `answers` (how the music marks an event) ->
`words` (what is true of it) -> `piece`.

Conventions: inside this package a position is a step (a sixteenth) as an int; swing is applied when the
notes leave it. Everything random comes from one `random.Random`, so a seed is a piece.
"""

from v2m_training.compose.piece import Piece, compose
from v2m_training.compose.styles import STYLE_NAMES

__all__ = ["STYLE_NAMES", "Piece", "compose"]
