"""Scene Cut Hit over many programmes: two means, and programmes without cuts apart."""

import pytest

from v2m.errors import InputError
from v2m.metrics.sch import pool, scene_cut_hit


def test_programmes_weigh_alike_in_one_mean_and_cuts_in_the_other() -> None:
    scores = [scene_cut_hit([1.0], [1.0], 4.0), scene_cut_hit([1.0, 2.0, 3.0], [1.0, 9.0], 10.0)]
    pooled = pool(scores)
    assert pooled.mean == pytest.approx((1 + 1 / 3) / 2)
    assert pooled.pooled == pytest.approx(2 / 4)
    assert pooled.chance_mean == pytest.approx((0.05 + 0.04) / 2)
    assert pooled.chance_pooled == pytest.approx((0.05 + 3 * 0.04) / 4)


def test_programmes_without_cuts_are_counted_and_nothing_else() -> None:
    pooled = pool([scene_cut_hit([], [1.0], 2.0), scene_cut_hit([1.0], [1.0], 2.0)])
    assert (pooled.mean, pooled.programmes, pooled.without_cuts, pooled.cuts) == (1.0, 2, 1, 1)
    assert pool([scene_cut_hit([], [1.0], 2.0)]).mean is None


def test_scores_of_different_tolerance_are_not_pooled() -> None:
    with pytest.raises(InputError):
        pool([scene_cut_hit([1.0], [1.0], 2.0, 0.1), scene_cut_hit([1.0], [1.0], 2.0, 0.2)])
    with pytest.raises(InputError):
        pool([])
