"""Packages import in one direction, each heavy library has one owner, and nothing unsafe is called."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

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
    "librosa": ("v2m.metrics", "v2m.fit"),
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

BANNED_CALLS = {
    "torch.load": "reads pickles: use safetensors",
    "os.system": "goes through a shell: use subprocess.run with a list",
    "os.popen": "goes through a shell: use subprocess.run with a list",
    "tempfile.mktemp": "is a race: use tempfile.mkstemp or mkdtemp",
    "eval": "runs what it is given",
    "exec": "runs what it is given",
}


def imported(tree: ast.Module) -> Iterator[str]:
    """Dotted names of all that a module imports, anywhere in it, as a statement or by a constant string.

    Relative imports stay within their package and are left out.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and called(node).endswith(
            ("import_module", "__import__", "find_spec")
        ):
            yield from (arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant))


def called(node: ast.Call) -> str:
    """The dotted name that is called, as written."""
    return ast.unparse(node.func) if isinstance(node.func, ast.Name | ast.Attribute) else ""


def is_below(name: str, owner: str) -> bool:
    return name == owner or name.startswith(owner + ".")


def wrong_directions(name: str, tree: ast.Module) -> list[str]:
    allowed = MAY_IMPORT[name.split(".")[0]]
    tops = {target.split(".")[0] for target in imported(tree)}
    return sorted(tops & MAY_IMPORT.keys() - allowed)


def foreign_libraries(name: str, tree: ast.Module) -> list[str]:
    tops = {target.split(".")[0] for target in imported(tree)} & OWNERS.keys()
    return sorted(top for top in tops if not any(is_below(name, owner) for owner in OWNERS[top]))


def banned_calls(tree: ast.Module) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = called(node)
        keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        if name in BANNED_CALLS:
            found.append(f"line {node.lineno}: {name} {BANNED_CALLS[name]}")
        if keywords.get("allow_pickle", "False") != "False":
            found.append(f"line {node.lineno}: {name}(allow_pickle=...) reads pickles")
        if keywords.get("shell", "False") != "False":
            found.append(f"line {node.lineno}: {name}(shell=...) goes through a shell")
    return found


def test_packages_import_in_one_direction(modules: Mapping[str, ast.Module]) -> None:
    wrong = {name: bad for name, tree in modules.items() if (bad := wrong_directions(name, tree))}
    assert not wrong, f"not v2m <- v2m_otio <- v2m_daemon, v2m <- v2m_training: {wrong}"


def test_heavy_libraries_have_one_owner(modules: Mapping[str, ast.Module]) -> None:
    wrong = {name: bad for name, tree in modules.items() if (bad := foreign_libraries(name, tree))}
    assert not wrong, f"libraries imported outside their owners: {wrong}"


def test_nothing_unsafe_is_called(modules: Mapping[str, ast.Module]) -> None:
    wrong = {name: bad for name, tree in modules.items() if (bad := banned_calls(tree))}
    unpickling = wrong.pop(MAY_UNPICKLE)
    assert not wrong, wrong
    assert len(unpickling) == 1, unpickling


def test_the_one_unpickler_builds_nothing_but_tensors_and_runs_apart(
    modules: Mapping[str, ast.Module],
) -> None:
    calls = [node for node in ast.walk(modules[MAY_UNPICKLE]) if isinstance(node, ast.Call)]
    loading = [node for node in calls if called(node) == "torch.load"]
    keywords = [{k.arg: ast.unparse(k.value) for k in node.keywords} for node in loading]
    assert [found["weights_only"] for found in keywords] == ["True"]
    importers = [
        name for name, tree in modules.items() if any(is_below(n, MAY_UNPICKLE) for n in imported(tree))
    ]
    assert importers == []


def test_every_library_is_declared_and_every_declared_one_used(
    modules: Mapping[str, ast.Module], repository: Path
) -> None:
    needed, optional, for_work = declared(repository)
    inside = foreign(modules.values())
    outside = foreign(ast.parse(path.read_text(encoding="utf-8")) for path in scripts(repository))
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


def foreign(trees: Iterable[ast.Module]) -> set[str]:
    tops = {target.split(".")[0] for tree in trees for target in imported(tree)}
    tops -= sys.stdlib_module_names | MAY_IMPORT.keys()
    return {package for top in tops for package in DISTRIBUTED_AS.get(top, {top})}


def test_an_optional_library_is_imported_only_where_it_is_needed(
    modules: Mapping[str, ast.Module], repository: Path
) -> None:
    _, optional, _ = declared(repository)
    at_once = {name: imported_at_once(tree) & optional for name, tree in modules.items()}
    assert not {name: found for name, found in at_once.items() if found}


def imported_at_once(tree: ast.Module) -> set[str]:
    """Libraries that are imported with the module, rather than in a function or for type checkers."""
    statements = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom | ast.Try)]
    return {name.split(".")[0] for name in imported(ast.Module(statements, []))}


def test_every_package_is_looked_at(modules: Mapping[str, ast.Module]) -> None:
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
    assert wrong_directions(name, ast.parse(code)) == expected


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
    assert foreign_libraries(name, ast.parse(code)) == expected


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
    assert len(banned_calls(ast.parse(code))) == 1


@pytest.mark.parametrize("code", ["np.load(p, allow_pickle=False)", "model.eval()", "subprocess.run(['ls'])"])
def test_a_safe_call_is_let_pass(code: str) -> None:
    assert banned_calls(ast.parse(code)) == []
