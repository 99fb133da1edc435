"""`v2m evaluate listen`: make a listening test, serve it on loopback, count its votes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from v2m.errors import UsageError
from v2m.evaluation.listening.server import ListeningServer
from v2m.evaluation.listening.trials import QUESTIONS, make_test, read_test
from v2m.evaluation.listening.votes import read_votes
from v2m.evaluation.listening.winning import Preferences, preferences
from v2m.evaluation.peers import parse_peer, peer_title
from v2m.evaluation.published import published_tables


def run(arguments: argparse.Namespace) -> int:
    """Do one of make, serve and results; 0 when it was done."""
    actions = {"make": _make, "serve": _serve, "results": _results}
    actions[arguments.action](arguments, Path(arguments.folder))
    return 0


def _make(arguments: argparse.Namespace, folder: Path) -> None:
    if not (arguments.video and arguments.ours and arguments.peer):
        raise UsageError("A test is made of --video DIR, --ours NAME=DIR and at least one --peer NAME=DIR.")
    peers = dict(parse_peer(text) for text in arguments.peer)
    test = make_test(
        folder,
        Path(arguments.video),
        parse_peer(arguments.ours),
        peers,
        trials=arguments.trials,
        seed=arguments.seed,
    )
    if arguments.json:
        print(json.dumps({"test": str(folder), "trials": len(test.trials)}))
    else:
        print(f"{len(test.trials)} trials in {folder}. `v2m evaluate listen serve {folder}` shows them.")


def _serve(arguments: argparse.Namespace, folder: Path) -> None:
    with ListeningServer(folder, arguments.port) as server:
        # whoever reads this line may open the page: the port is bound already
        print(json.dumps({"url": server.address}) if arguments.json else server.address, flush=True)
        server.serve_forever()


def _results(arguments: argparse.Namespace, folder: Path) -> None:
    found = preferences(read_test(folder), read_votes(folder))
    print(json.dumps(asdict(found)) if arguments.json else _words(found))


def _words(found: Preferences) -> str:
    lines = [f"{found.votes} trials answered by {found.listeners} listeners; shares that prefer {found.ours}"]
    for each in found.by_peer:
        won = each.won
        rate = "-" if won.rate is None else f"{won.rate:.3f}"
        lines.append(
            f"{peer_title(each.peer):24}{each.question:8}{rate}  "
            f"({won.low:.3f} to {won.high:.3f}, {won.votes} votes)  "
            f"p {each.corrected_p_t:.2g} by t, {each.corrected_p_exact:.2g} exact, corrected"
        )
    return "\n".join([*lines, *_published({each.peer for each in found.by_peer})])


def _published(peers: set[str]) -> Iterator[str]:
    """What the paper's listeners said of the same peers: another system's music, so no comparison."""
    for table in published_tables():
        if table.columns == tuple(QUESTIONS):
            for peer, rates in table.rows.items():
                if peer in peers:
                    told = ", ".join(
                        f"{name} {rate:.3f}" for name, rate in zip(QUESTIONS, rates, strict=True)
                    )
                    yield f"V2M-Zero against {peer_title(peer)}, {table.benchmark}: {told} ({table.source})"
