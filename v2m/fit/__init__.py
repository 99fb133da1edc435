"""A song of the user's own, fitted to a programme.

- `spectrum`: what a track is made of, hop by hop
- `pulse`: the beats of a track
- `form`: its bars, sections, big moments, and which bars may follow which
- `music`: both together
- `prices`: what hits that are missed, stretch and cuts cost
- `choice`: which part is played, and which beats fall on which hits
- `course`: what is played one after the other, and when
- `stretch`: its sound at that pace
- `playing`: with fades and loudness, as it is written
- `fit`: the verb
- `account`: what came of it
"""

from v2m.fit.fit import FitSettings, fit

__all__ = ["FitSettings", "fit"]
