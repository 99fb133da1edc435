"""A few of each fault of `benchmarks/worker_faults.py`, the same ones each time."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import worker_faults as faults

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits another process's files"),
]


def test_no_fault_loses_a_job_or_leaves_anything(tmp_path: Path) -> None:
    few = {"kills": 3, "ooms": 1, "full_disks": 5, "small_disks": 3, "cancels": 6}

    async def scenario() -> None:
        async with faults.stand(tmp_path, seed=2) as at:
            for name, count in few.items():
                fault: Callable[[Any, int], Coroutine[Any, Any, Any]] = getattr(faults, name)
                tally = await fault(at, count)
                assert tally.is_clean, f"{faults.HEAD}\n{tally.row()}"
                assert tally.faults >= count or name == "small_disks"  # which needs the right to mount
            assert isinstance(await at.attempt(at.work()), faults.Done)
            pid = at.pid()
        assert pid is not None
        assert not Path(f"/proc/{pid}").exists()

    asyncio.run(scenario())
