"""The table of strengths is read off the model and composed pieces, and the one that ships is theirs."""

import json

import numpy as np
import pytest
from v2m_training.typical_strengths import typical_strengths
from v2m_training.typical_table import table_text

from v2m.backbones.strengths import typical_strengths as shipped_strengths


@pytest.mark.slow
def test_a_few_pieces_are_struck_as_the_table_that_ships_says() -> None:
    table = typical_strengths(6)
    assert json.loads(table_text(table)) == table
    for part, rows in table.items():
        for name, row in rows.items():
            shipped = shipped_strengths()[part][name]
            assert (np.diff(row) >= 0).all()
            assert np.abs(np.array(row) - shipped)[2:-2].max() < 0.6, (part, name)
