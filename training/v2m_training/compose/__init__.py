"""A composer with rules: it writes the music that the embedded model learns from.

The files in the order in which a piece comes to be: `styles` (what is idiomatic) -> `form` (events and
sections) -> `orchestra` (who plays) -> `texture` and `habits` (when, and which figures) -> `lead_sheet`,
`harmony` and `progressions` (chords and their voicings) -> `rhythm` with its grooves and fills, `bass`,
`comping`, `melody`, `figures` (the parts) -> `approaches` and `answers` (how the music leads into an event
and marks it) -> `facts` and `words` (what is true of it) -> `piece`.

Conventions: inside this package a position is a step, a quarter of a beat, as an int; where the steps of a
beat sound, straight, swung or in thirds, is decided when the notes leave it (`metre`, `draft`). Everything
random comes from one `random.Random`, so a seed is a piece.
"""

from v2m_training.compose.piece import Piece, compose
from v2m_training.compose.styles import STYLE_NAMES

__all__ = ["STYLE_NAMES", "Piece", "compose"]
