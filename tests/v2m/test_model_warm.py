"""Loaded models stay while there is room, give way in order of their use, or are refused with the numbers."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from v2m.errors import OutOfMemoryError
from v2m.model import memory, warm
from v2m.model.memory import free_bytes, loaded_bytes
from v2m.model.warm import Wanted, WarmModels

GB = 10**9


class Machine:
    """So much memory, of which each loaded model takes what it weighs."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.loads: list[str] = []
        self.held: dict[str, int] = {}

    def free(self, device: str) -> int:
        return self.total - sum(self.held.values())


class Model:
    """Takes memory of a machine until nobody holds it."""

    def __init__(self, machine: Machine, name: str, weight: int) -> None:
        self.machine, self.name = machine, name
        machine.loads.append(name)
        machine.held[name] = weight

    def __del__(self) -> None:
        self.machine.held.pop(self.name, None)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    built = Machine(10 * GB)
    monkeypatch.setattr(warm, "free_bytes", built.free)
    return built


def use(models: WarmModels, machine: Machine, name: str, weight_gb: int, device: str = "cpu") -> None:
    wanted = Wanted(name, name, device, weight_gb * GB, "Close something.")
    assert models.get(wanted, lambda: Model(machine, name, weight_gb * GB)).name == name


def test_a_model_is_loaded_once_where_models_are_kept(machine: Machine) -> None:
    keeping, ending = WarmModels(keeps=True), WarmModels()
    for _ in range(3):
        use(keeping, machine, "eye", 2)
    assert machine.loads == ["eye"]
    for _ in range(3):
        use(ending, machine, "ear", 2)
    assert machine.loads == ["eye", "ear", "ear", "ear"]
    assert "ear" not in machine.held  # given back when whoever used it was done


def test_the_one_used_longest_ago_gives_way(machine: Machine) -> None:
    models = WarmModels(keeps=True)
    use(models, machine, "first", 3)
    use(models, machine, "second", 3)
    use(models, machine, "first", 3)
    use(models, machine, "third", 5)  # 5.75 GB are needed, 4 are free
    assert set(machine.held) == {"first", "third"}
    assert models.find("second") is None


@pytest.mark.slow
def test_where_memory_is_short_models_are_loaded_one_after_another(machine: Machine) -> None:
    models = WarmModels(keeps=True)
    for name in ("listener", "watcher", "writer"):
        use(models, machine, name, 8)
        assert set(machine.held) == {name}


def test_what_does_not_fit_is_refused_with_the_numbers_and_not_begun(machine: Machine) -> None:
    models = WarmModels(keeps=True)
    use(models, machine, "small", 1)
    with pytest.raises(OutOfMemoryError, match=r"huge needs about 23\.0 GB .*, 10\.0 GB are free") as told:
        use(models, machine, "huge", 20)
    assert told.value.hint == "Close something."
    assert machine.loads == ["small"]


@pytest.mark.slow
def test_room_for_a_model_is_not_made_by_letting_go_of_it(machine: Machine) -> None:
    models, given_back = WarmModels(), []
    composer = Model(machine, "composer", 6 * GB)
    models.keep("composer", composer, "cpu bfloat16", lambda: given_back.append("composer"))
    models.keep("eye", Model(machine, "eye", 3 * GB), "cpu")
    assert models.make_room(9 * GB, "cpu bfloat16", but=composer) == 4 * GB
    assert models.find("composer") is composer
    assert not given_back
    models.make_room(9 * GB, "cpu")
    assert given_back == ["composer"]


def test_memory_of_another_device_is_no_room(machine: Machine) -> None:
    models = WarmModels(keeps=True)
    use(models, machine, "eye", 6, "cuda")
    models.make_room(9 * GB, "cpu")
    assert models.find("eye") is not None


def test_where_the_system_says_nothing_one_model_is_held_at_a_time(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm, "free_bytes", lambda device: None)
    models = WarmModels(keeps=True)
    use(models, machine, "eye", 1)
    use(models, machine, "ear", 1)
    assert set(machine.held) == {"ear"}


def test_what_fails_to_load_is_not_kept(machine: Machine) -> None:
    models = WarmModels(keeps=True)

    def fail() -> Model:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        models.get(Wanted("eye", "eye", "cpu", GB, ""), fail)
    use(models, machine, "eye", 1)
    assert machine.loads == ["eye"]


def test_weights_are_counted_by_their_headers(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({"a": np.zeros((3, 4), np.float32), "b": np.zeros(5, np.float16)}, path)
    (tmp_path / "broken.safetensors").write_bytes(b"no header")
    assert loaded_bytes([path, tmp_path / "broken.safetensors"], 2) == 34


def test_a_containers_bound_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = free_bytes("cpu float32")
    assert free is None or free > 0
    for name, content in {"max": "5000", "current": "4000", "stat": "anon 1\ninactive_file 100\n"}.items():
        (tmp_path / f"memory.{name}").write_text(content)
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    assert free is None or free_bytes("cpu") == 1100
    (tmp_path / "memory.max").write_text("max\n")
    assert free is None or (free_bytes("cpu") or 0) > 5000
