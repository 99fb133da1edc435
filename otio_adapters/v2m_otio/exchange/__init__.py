"""Formats of other editors: what is read of them, and music placed in what is written.

    read:   file -> kinds -> (edl: rate) -> foreign, a process of its own -> OpenTimelineIO's JSON
    write:  base (the input itself, or made) -> our music put into it -> bytes

Take the music away and what is written equals its base: the user's own file where the format is the input's,
else what the document becomes in that format.
"""
