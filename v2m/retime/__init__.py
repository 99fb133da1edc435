"""Retiming: hits moved, the same music around them.

    pins        where each hit was and is; which gaps between hits on beats changed
    route       how many beats lie between them now
    bending     where the beats lie
    stretch     one stretch that changes, and how far it is heard
    redone      spans that are composed again where nothing else changes
    edit        what changes there, told as if it were the only change
    stretches   all of them
    plan        the whole, before it is done
    renewal     frames that are composed again, and the notes they become
    splice      kept samples and edited ones, put together
    verb        the take on disk

A retimed take is a function of the take before any hit was moved and of where the hits are now; each edit is
one of the hits inside it. What lies outside is the same to the last bit, however often hits are moved.
"""

from v2m.retime.plan import MAX_BEND, RetimePlan, plan_of, plan_retime
from v2m.retime.verb import Retiming, redo, retime, swell

__all__ = ["MAX_BEND", "RetimePlan", "Retiming", "plan_of", "plan_retime", "redo", "retime", "swell"]
