"""Music of a user's own made ready to learn from: listed, checked, split by work, encoded once.

In the order of the work: `manifest` what there is, `sound` its samples, `checks` and `fingerprint` what is
wrong with it, `works` what belongs together, `split` who learns and who is held out, `cache` what was made
before, `run` all of it; `prepared` is what it leaves, and what `fit` reads.
"""
