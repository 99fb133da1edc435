"""Work spread over a real Ray cluster, of this machine alone."""

import sys

import pytest

from v2m.errors import InputError, V2MError
from v2m.evaluation.spread import spread

pytest.importorskip("ray", reason="the extra `ray` is not installed")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform == "win32", reason="Ray is tried on Linux and macOS"),
    pytest.mark.filterwarnings("ignore"),  # Ray's own, of whatever version is here
]


def test_a_cluster_does_what_one_process_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_raylet_start_wait_time_s", "180")  # 30 on a machine that has other work too
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # else it writes a token into the user's home

    def halved(number: int) -> float:
        if number == 3:
            raise InputError("three")
        return number / 2

    found = dict(spread(halved, [1, 2, 3], ray="local"))
    assert (found[1], found[2]) == (0.5, 1.0)
    assert isinstance(found[3], V2MError)
