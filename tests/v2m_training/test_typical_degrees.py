"""The table of degrees is read off composed pieces, and the one that ships is theirs."""

import json

import numpy as np
import pytest
from v2m_training.typical_degrees import typical_degrees
from v2m_training.typical_table import table_text

from v2m.backbones.degrees import typical_degrees as shipped_degrees


@pytest.mark.slow
def test_a_few_pieces_have_degrees_like_those_of_the_table_that_ships() -> None:
    table = typical_degrees(64)
    assert json.loads(table_text(table)) == table
    for mode in ("major", "minor"):
        for part, shares in table[mode].items():
            assert sum(shares) == pytest.approx(1, abs=0.01)
            assert np.corrcoef(shares, shipped_degrees()[mode][part])[0, 1] > 0.8, (mode, part)
