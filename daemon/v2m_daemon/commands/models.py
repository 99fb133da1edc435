"""`v2m models`: what may be added, and adding, checking and removing it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from v2m.errors import CancelledError, DataLossError, UsageError
from v2m_daemon.home import Home
from v2m_daemon.models.catalogue import all_models, find_model
from v2m_daemon.models.hub import PUBLIC
from v2m_daemon.models.model import Model
from v2m_daemon.models.store import ModelStore
from v2m_daemon.progress import show_progress


def run(arguments: argparse.Namespace) -> int:
    """Do one of list, add, verify and remove; 0 when it was done."""
    store = ModelStore(Home.find().models)
    if arguments.path is not None and arguments.action != "add":
        raise UsageError(f"`v2m models {arguments.action}` takes no path.")
    if arguments.name is None and arguments.action in ("add", "remove"):
        raise UsageError(
            f"`v2m models {arguments.action}` needs a name.", hint="`v2m models list` tells them all."
        )
    actions = {"list": _list, "add": _add, "verify": _verify, "remove": _remove}
    result, words = actions[arguments.action](store, arguments)
    print(json.dumps(result) if arguments.json else words)
    return 0


def _list(store: ModelStore, arguments: argparse.Namespace) -> tuple[dict[str, Any], str]:
    models = [find_model(arguments.name)] if arguments.name else all_models()
    rows = [_row(store, model) for model in models]
    return {"models": rows}, "\n\n".join(_describe(row) for row in rows)


def _row(store: ModelStore, model: Model) -> dict[str, Any]:
    place = store.place(model)
    return {
        "name": model.name,
        "kind": model.kind,
        "summary": model.summary,
        "licence": model.licence.name,
        "territory": model.licence.territory,
        "commercial": model.licence.commercial,
        "size_bytes": model.size_bytes,
        "memory_bytes": model.memory_bytes,
        "present": place is not None,
        "added": store.owns(model),
        "path": str(place) if place else None,
        "needs": list(store.lacks(model)),
        "gated": model.gated,
        "urls": [file.url for file in model.files if file.url] or _page(model),
    }


def _page(model: Model) -> list[str]:
    return [f"{PUBLIC}/{model.repository}"] if model.repository else []


def _describe(row: dict[str, Any]) -> str:
    own = "" if row["urls"] else " PATH"
    there = f"here: {row['path']}" if row["present"] else f"not here; `v2m models add {row['name']}{own}`"
    there += " takes yours" if own and not row["present"] else "" if row["present"] else " fetches it"
    lines = [
        f"{row['name']}  {row['kind']}, {row['licence']}, {row['territory']}"
        + ("" if row["commercial"] else ", NOT FOR COMMERCIAL USE")
        + f", {row['size_bytes'] / 1e6:.0f} MB, uses {row['memory_bytes'] / 1e6:.0f} MB of memory",
        f"  {row['summary']}",
        f"  {there}",
    ]
    if row["needs"]:
        lines.append(f"  needs too: {', '.join(row['needs'])}")
    return "\n".join(lines)


def _add(store: ModelStore, arguments: argparse.Namespace) -> tuple[dict[str, Any], str]:
    model = find_model(arguments.name)
    source = Path(arguments.path) if arguments.path else None
    if not store.owns(model):
        _accept_licence(model, accepted=arguments.accept, knows=arguments.non_commercial)
    try:
        with show_progress(quiet=arguments.json) as progress:
            verb = "Fetching" if source is None else "Taking in"
            folder = store.add(model, source, lambda fraction: progress(verb, fraction), link=arguments.link)
    except KeyboardInterrupt:
        raise CancelledError(
            "Cancelled; what has come stays.", hint=f"`v2m models add {model.name}` goes on from there."
        ) from None
    row = _row(store, model)
    words = f"{model.name} is in {folder}."
    if row["needs"]:
        words += f" It needs {' and '.join(row['needs'])} too: `v2m models add {row['needs'][0]}`."
    return {"model": row}, words


def _accept_licence(model: Model, *, accepted: bool, knows: bool) -> None:
    licence = model.licence
    text = f"{model.name}: {licence.name}, {licence.territory}. {licence.notice}"
    print(f"{text} {licence.url}".rstrip(), file=sys.stderr)
    if not (licence.commercial or knows):
        raise UsageError(
            f"{model.name} is not for commercial use ({licence.name}).",
            hint="If what you make with it earns no money, add --non-commercial; takes will say so.",
        )
    if accepted:
        return
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("The licence has to be accepted.", hint="Add --accept-licence.")
    print("Accept? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CancelledError("The licence was not accepted; nothing was added.")


def _verify(store: ModelStore, arguments: argparse.Namespace) -> tuple[dict[str, Any], str]:
    models = (
        [find_model(arguments.name)]
        if arguments.name
        else [model for model in all_models() if store.owns(model)]
    )
    checked = [(model, file) for model in models for file in store.verify(model)]
    damaged = [(model, file) for model, file in checked if not file.intact]
    if damaged:
        model, file = damaged[0]
        raise DataLossError(
            f"{file.path} is missing or damaged.",
            hint=f"Run `v2m models remove {model.name}` and `v2m models add {model.name}`.",
            detail=f"SHA-256 {file.sha256 or 'of no file'}",
        )
    files = [
        {"name": model.name, "path": str(file.path), "sha256": file.sha256, "intact": file.intact}
        for model, file in checked
    ]
    words = "\n".join(f"{file['path']} is intact." for file in files) or "No model was added."
    return {"files": files}, words


def _remove(store: ModelStore, arguments: argparse.Namespace) -> tuple[dict[str, Any], str]:
    model = find_model(arguments.name)
    store.remove(model)
    return {"removed": model.name}, f"{model.name} was removed."
