"""The tempo map: beats planned so that they land on the hits.

- `map`: where the beats are, and what a position in beats is in seconds
- `settings`: the wish: tempo, freedom, limits, how much the hits weigh
- `nearness`: what a beat beside a hit is worth
- `segment`: the smoothest tempo between two hits, in closed form
- `search`: dynamic programming over hits: which of them get a beat, and how many beats lie between
- `refine`: beats exactly on the chosen hits, within hard limits
- `plan`: the whole, from hits to a map and a list of what was reached
"""

from v2m.tempo.map import TempoMap
from v2m.tempo.plan import Plan, plan_tempo
from v2m.tempo.settings import TempoSettings

__all__ = ["Plan", "TempoMap", "TempoSettings", "plan_tempo"]
