"""Packages import in one direction, each heavy library has one owner, and nothing unsafe is called."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.repo.source import Source, called, read_source, source_of

MAY_IMPORT = {
    "v2m": {"v2m"},
    "v2m_otio": {"v2m", "v2m_otio"},
    "v2m_daemon": {"v2m", "v2m_otio", "v2m_daemon"},
    "v2m_training": {"v2m", "v2m_training"},
}

OWNERS = {
    "av": ("v2m.frames",),
    "torch": (
        "v2m.model",
        "v2m.codecs",
        "v2m.backbones",
        "v2m.encoders",
        "v2m.metrics",
        "v2m.prompt.watching",
        "v2m_training",
        "v2m_daemon.models.unpickle",
    ),
    "opentimelineio": ("v2m_otio",),
    "scenedetect": ("v2m.shots",),
    "tinysoundfont": ("v2m.codecs",),
    "librosa": ("v2m.metrics",),
    "filelock": ("v2m.metrics.librosa_library",),
    "python_stretch": ("v2m.fit",),
    "matplotlib": ("v2m.report",),
    "grpc": ("v2m_daemon.server", "v2m_daemon.client", "v2m.rpc"),
    "grpc_health": ("v2m_daemon.server", "v2m_daemon.client"),
    "grpc_reflection": ("v2m_daemon.server", "v2m_daemon.client"),
    "grpc_status": ("v2m_daemon.server", "v2m_daemon.client"),
    "google": ("v2m_daemon.server", "v2m_daemon.client", "v2m.rpc"),
    "numba": (),
    "torchaudio": (),
    "pickle": (),
    "marshal": (),
    "shelve": (),
    "dill": (),
    "cloudpickle": (),
    "joblib": (),
}
"""Library -> the modules, with what lies below them, that may import it."""

DISTRIBUTED_AS = {
    "google": {"googleapis-common-protos", "protobuf"},
    "grpc": {"grpcio"},
    "grpc_health": {"grpcio-health-checking"},
    "grpc_reflection": {"grpcio-reflection"},
    "grpc_status": {"grpcio-status"},
    "grpc_tools": {"grpcio-tools"},
    "otio_aaf_adapter": {"otio-aaf-adapter"},
    "otio_cmx3600_adapter": {"otio-cmx3600-adapter"},
    "otio_fcp_adapter": {"otio-fcp-adapter"},
    "otio_fcpx_xml_adapter": {"otio-fcpx-xml-adapter"},
    "otio_kdenlive_adapter": {"otio-kdenlive-adapter"},
    "python_stretch": {"python-stretch"},
}
"""Libraries whose packages are called by other names than they are imported by."""

UNDECLARED = {"tinysoundfont", "bpy"}
"""One is installed without its dependency pyaudio (see the Makefile), Blender has a Python of its own."""

MAY_UNPICKLE = "v2m_daemon.models.unpickle"
"""A program of its own that turns a checkpoint into safetensors and ends; nothing may import it."""


def is_below(name: str, owner: str) -> bool:
    return name == owner or name.startswith(owner + ".")


def wrong_directions(name: str, source: Source) -> list[str]:
    allowed = MAY_IMPORT[name.split(".")[0]]
    return sorted(source.libraries & MAY_IMPORT.keys() - allowed)


def foreign_libraries(name: str, source: Source) -> list[str]:
    tops = source.libraries & OWNERS.keys()
    return sorted(top for top in tops if not any(is_below(name, owner) for owner in OWNERS[top]))


def test_packages_import_in_one_direction(modules: Mapping[str, Source]) -> None:
    wrong = {name: bad for name, source in modules.items() if (bad := wrong_directions(name, source))}
    assert not wrong, f"not v2m <- v2m_otio <- v2m_daemon, v2m <- v2m_training: {wrong}"


def test_heavy_libraries_have_one_owner(modules: Mapping[str, Source]) -> None:
    wrong = {name: bad for name, source in modules.items() if (bad := foreign_libraries(name, source))}
    assert not wrong, f"libraries imported outside their owners: {wrong}"


def test_nothing_unsafe_is_called(modules: Mapping[str, Source]) -> None:
    wrong = {name: bad for name, source in modules.items() if (bad := source.unsafe_calls)}
    unpickling = wrong.pop(MAY_UNPICKLE)
    assert not wrong, wrong
    assert len(unpickling) == 1, unpickling


def test_the_one_unpickler_builds_nothing_but_tensors_and_runs_apart(
    modules: Mapping[str, Source], repository: Path
) -> None:
    path = (repository / "daemon" / MAY_UNPICKLE.replace(".", "/")).with_suffix(".py")
    calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    loading = [node for node in calls if called(node) == "torch.load"]
    keywords = [{k.arg: ast.unparse(k.value) for k in node.keywords} for node in loading]
    assert [found["weights_only"] for found in keywords] == ["True"]
    importers = [
        name for name, source in modules.items() if any(is_below(n, MAY_UNPICKLE) for n in source.imported)
    ]
    assert importers == []


def test_every_library_is_declared_and_every_declared_one_used(
    modules: Mapping[str, Source], repository: Path
) -> None:
    needed, optional, for_work = declared(repository)
    inside = foreign(modules.values())
    outside = foreign(source_of(path) for path in scripts(repository))
    outside -= {name for path in scripts(repository) for name in (path.stem, path.parent.name)}  # each other
    for editor in ("resolve_scripts", "blender_addon"):  # and what Studio and Blender run
        outside -= {path.name for path in (repository / editor).iterdir()}
    assert inside - optional - UNDECLARED == needed
    assert optional <= inside | outside
    assert outside <= needed | optional | for_work | UNDECLARED


def declared(repository: Path) -> tuple[set[str], set[str], set[str]]:
    """Libraries that come with the package, with its extras for users, and with the extra `dev`."""
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {name: names_of(lines) for name, lines in project["optional-dependencies"].items()}
    for_work = extras.pop("dev")
    return names_of(project["dependencies"]), set().union(*extras.values()), for_work


def names_of(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w-]", line)[0] for line in requirements}


def scripts(repository: Path) -> Iterator[Path]:
    """What is run from a checkout and not installed."""
    for folder in ("benchmarks", "examples", "tests"):
        yield from (repository / folder).rglob("*.py")


def foreign(sources: Iterable[Source]) -> set[str]:
    tops = {library for source in sources for library in source.libraries}
    tops -= sys.stdlib_module_names | MAY_IMPORT.keys()
    return {package for top in tops for package in DISTRIBUTED_AS.get(top, {top})}


def test_an_optional_library_is_imported_only_where_it_is_needed(
    modules: Mapping[str, Source], repository: Path
) -> None:
    _, optional, _ = declared(repository)
    at_once = {name: source.libraries_at_once & optional for name, source in modules.items()}
    assert not {name: found for name, found in at_once.items() if found}


def test_every_package_is_looked_at(modules: Mapping[str, Source]) -> None:
    assert {name.split(".")[0] for name in modules} == MAY_IMPORT.keys()


@pytest.mark.parametrize(
    ("name", "code", "expected"),
    [
        ("v2m.score", "import v2m_otio", ["v2m_otio"]),
        ("v2m.score", "def f():\n    from v2m_daemon.cli import main", ["v2m_daemon"]),
        ("v2m_otio.read", "import importlib\nimportlib.import_module('v2m_training.cli')", ["v2m_training"]),
        ("v2m_training.cli", "from v2m_otio import read", ["v2m_otio"]),
        ("v2m_daemon.cli", "import v2m_otio, v2m.score", []),
    ],
)
def test_a_wrong_direction_is_noticed(name: str, code: str, expected: list[str]) -> None:
    assert wrong_directions(name, read_source(code)) == expected


@pytest.mark.parametrize(
    ("name", "code", "expected"),
    [
        ("v2m.score", "import torch.nn", ["torch"]),
        ("v2m.model.dit", "import torch.nn", []),
        ("v2m.modelling", "import torch", ["torch"]),
        ("v2m.frames.decode", "from av.video import frame", []),
        ("v2m.tempo.map", "from . import map\nfrom .. import av", []),
        ("v2m.encoders.spectral", "from librosa import onset", ["librosa"]),
    ],
)
def test_a_library_outside_its_owner_is_noticed(name: str, code: str, expected: list[str]) -> None:
    assert foreign_libraries(name, read_source(code)) == expected


@pytest.mark.parametrize(
    "code",
    [
        "torch.load(path)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=flag)",
        "os.system('ls')",
        "subprocess.run('ls', shell=True)",
        "tempfile.mktemp()",
        "eval(text)",
    ],
)
def test_an_unsafe_call_is_noticed(code: str) -> None:
    assert len(read_source(code).unsafe_calls) == 1


@pytest.mark.parametrize("code", ["np.load(p, allow_pickle=False)", "model.eval()", "subprocess.run(['ls'])"])
def test_a_safe_call_is_let_pass(code: str) -> None:
    assert read_source(code).unsafe_calls == ()
