"""Music out of a user's MIDI files, in the form of composed pieces, to train on beside these.

The files in the order of the data: `reading` (a file as tracks in beats) -> `roles` (who plays which part) ->
`key` (tonic and mode) -> `pieces` (excerpts with their facts and words, for a whole folder).
"""

from v2m_training.midi.pieces import read_folder, read_pieces

__all__ = ["read_folder", "read_pieces"]
