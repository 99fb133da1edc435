"""What the tests of the house want to know of a Python file, found in one walk of its syntax tree.

The trees themselves are not kept: those of all files are hundreds of megabytes, which every later collection
of garbage in the same process would go through.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

BANNED_CALLS = {
    "torch.load": "reads pickles: use safetensors",
    "os.system": "goes through a shell: use subprocess.run with a list",
    "os.popen": "goes through a shell: use subprocess.run with a list",
    "tempfile.mktemp": "is a race: use tempfile.mkstemp or mkdtemp",
    "eval": "runs what it is given",
    "exec": "runs what it is given",
}


@dataclass(frozen=True)
class Source:
    """A module as text, and what stands in it."""

    line_count: int
    imported: frozenset[str]
    """Dotted names of all that is imported, anywhere, as a statement or by a constant string.

    Relative imports stay within their package and are left out.
    """

    imported_at_once: frozenset[str]
    """Those that are imported with the module, rather than in a function or for type checkers."""

    unsafe_calls: tuple[str, ...]
    """The line of each, what is called, and what is wrong with it."""

    functions: tuple[tuple[str, int], ...]
    """The name of each, and how many lines it has."""

    @property
    def libraries(self) -> set[str]:
        """The first parts of the names imported."""
        return {name.partition(".")[0] for name in self.imported}

    @property
    def libraries_at_once(self) -> set[str]:
        """The first parts of the names imported with the module."""
        return {name.partition(".")[0] for name in self.imported_at_once}


def read_source(text: str) -> Source:
    """What stands in a module."""
    tree = ast.parse(text)
    imported, unsafe, functions = set(), [], []
    for node in ast.walk(tree):
        imported.update(names_imported(node))
        if isinstance(node, ast.Call):
            unsafe.extend(wrongs(node))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            functions.append((node.name, (node.end_lineno or node.lineno) - node.lineno + 1))
    statements = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom | ast.Try)]
    at_once = {name for each in statements for node in ast.walk(each) for name in names_imported(node)}
    return Source(text.count("\n"), frozenset(imported), frozenset(at_once), tuple(unsafe), tuple(functions))


@cache
def source_of(path: Path) -> Source:
    """What stands in a file; each is read once."""
    return read_source(path.read_text(encoding="utf-8"))


def names_imported(node: ast.AST) -> Iterator[str]:
    """Dotted names that this node itself imports."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and not node.level:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and called(node).endswith(("import_module", "__import__", "find_spec")):
        yield from (str(arg.value) for arg in node.args[:1] if isinstance(arg, ast.Constant))


def called(node: ast.Call) -> str:
    """The dotted name that is called; of one that hangs on anything else than a name, its last parts."""
    parts, what = [], node.func
    while isinstance(what, ast.Attribute):
        parts.append(what.attr)
        what = what.value
    parts.append(what.id if isinstance(what, ast.Name) else "")
    return ".".join(reversed(parts))


def wrongs(node: ast.Call) -> Iterator[str]:
    """What is unsafe in a call."""
    name = called(node)
    if name in BANNED_CALLS:
        yield f"line {node.lineno}: {name} {BANNED_CALLS[name]}"
    for keyword, does in (("allow_pickle", "reads pickles"), ("shell", "goes through a shell")):
        for given in node.keywords:
            if given.arg == keyword and ast.unparse(given.value) != "False":
                yield f"line {node.lineno}: {name}({keyword}=...) {does}"
