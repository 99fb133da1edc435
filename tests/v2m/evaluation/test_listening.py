"""The listening test without a browser: blind pairs, votes that survive, a server that trusts nobody."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from v2m.errors import DocumentError, FieldError, InputError, OutputExistsError, UnfinishedError
from v2m.evaluation.listening.server import ListeningServer
from v2m.evaluation.listening.trials import Test, Trial, make_test, read_test
from v2m.evaluation.listening.votes import VOTES_NAME, Vote, add_vote, read_votes
from v2m.evaluation.listening.winning import preferences

Make = Callable[..., Path]


def prepare(folder: Path, clips: int = 4) -> Path:
    """A test of ours against two peers; nobody will play these files."""
    for clip in range(clips):
        for place, suffix in (("videos", "mp4"), ("ours", "wav"), ("vidmuse", "wav"), ("cmt", "wav")):
            path = folder / place / f"clip{clip}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(f"{place} {clip}".encode() * 10)
    peers = {"vidmuse": folder / "vidmuse", "cmt": folder / "cmt"}
    make_test(folder / "test", folder / "videos", ("ours", folder / "ours"), peers)
    return folder / "test"


def test_sides_and_order_are_drawn_by_lot_and_the_same_for_one_seed(tmp_path: Path) -> None:
    test = read_test(prepare(tmp_path, 12))
    assert len(test.trials) == 24
    assert {trial.left_is == "ours" for trial in test.trials} == {True, False}
    orders = {tuple(trial.id for trial in test.for_listener(name)) for name in ("anna", "ben", "anna")}
    assert len(orders) == 2
    peers = {"vidmuse": tmp_path / "vidmuse", "cmt": tmp_path / "cmt"}
    again = make_test(tmp_path / "again", tmp_path / "videos", ("ours", tmp_path / "ours"), peers)
    assert again == test
    few = make_test(tmp_path / "few", tmp_path / "videos", ("ours", tmp_path / "ours"), peers, trials=6)
    asked = [{trial.left_is, trial.right_is} - {"ours"} for trial in few.trials]
    assert asked.count({"cmt"}) == asked.count({"vidmuse"}) == 3


def test_a_test_that_exists_is_not_made_anew_and_without_pairs_there_is_none(tmp_path: Path) -> None:
    folder = prepare(tmp_path)
    with pytest.raises(OutputExistsError):
        make_test(folder, tmp_path / "videos", ("ours", tmp_path / "ours"), {"cmt": tmp_path / "cmt"})
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "unknown.wav").write_bytes(b"x")
    with pytest.raises(InputError):
        make_test(
            tmp_path / "t", tmp_path / "videos", ("ours", tmp_path / "ours"), {"x": tmp_path / "others"}
        )
    with pytest.raises(DocumentError):
        read_test(tmp_path)


def test_the_last_answer_counts_and_a_torn_line_does_not(tmp_path: Path) -> None:
    add_vote(tmp_path, Vote("t1", "anna", "left", "left"))
    add_vote(tmp_path, Vote("t1", "anna", "right", "left"))
    with (tmp_path / VOTES_NAME).open("a") as file:
        file.write('{"trial": "t2", "listen')
    assert read_votes(tmp_path) == (Vote("t1", "anna", "right", "left"),)
    with pytest.raises(FieldError):
        Vote("t1", "anna", "both", "left")  # type: ignore[arg-type]
    with pytest.raises(FieldError):
        Vote("t1", "../anna", "left", "left")


def test_win_rates_are_ours_whatever_the_side(tmp_path: Path) -> None:
    trials = tuple(
        Trial(f"t{n}", f"c{n}", "v", "l", "r", *(("ours", "cmt") if n % 2 else ("cmt", "ours")))
        for n in range(20)
    )
    test = Test("ours", trials)
    votes = [
        Vote(trial.id, "anna", "left" if trial.left_is == "ours" else "right", "left") for trial in trials
    ]
    found = preferences(test, [*votes, Vote("stranger", "anna", "left", "left")])
    quality, sync = found.by_peer
    assert (quality.question, quality.won.rate, quality.won.votes) == ("quality", 1.0, 20)
    assert quality.corrected_p_exact == pytest.approx(2 * 2 * 0.5**20)
    assert (sync.won.rate, sync.corrected_p_t) == (0.5, 1.0)
    assert (found.votes, found.listeners) == (20, 1)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ListeningServer]:
    with ListeningServer(prepare(tmp_path)) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def ask(server: ListeningServer, path: str, data: Any = None, **headers: str) -> tuple[int, bytes]:
    url = f"http://127.0.0.1:{server.server_port}/{path}"
    body = None if data is None else data if isinstance(data, bytes) else json.dumps(data).encode()
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_the_page_and_its_data_need_the_token(server: ListeningServer) -> None:
    assert ask(server, f"?token={server.token}")[0] == 200
    for path in ("", "?token=wrong", "wrong/state?listener=a", "state", "wrong/media/x/video"):
        assert ask(server, path)[0] == 403
    assert ask(server, f"{server.token}/state?listener=a", Host="evil.example")[0] == 403
    assert server.server_address[0] == "127.0.0.1"


def test_nothing_tells_who_made_what(server: ListeningServer) -> None:
    state = ask(server, f"{server.token}/state?listener=a")[1]
    page = ask(server, f"?token={server.token}")[1]
    for name in (b"ours", b"vidmuse", b"cmt", b"clip0"):
        assert name not in state
        assert name not in page


def test_votes_are_kept_and_the_next_trial_comes_until_none_is_left(server: ListeningServer) -> None:
    state = json.loads(ask(server, f"{server.token}/state?listener=anna")[1])
    assert (state["done"], state["count"]) == (0, 8)
    seen = set()
    while state["trial"]:
        seen.add(state["trial"])
        vote = {"trial": state["trial"], "listener": "anna", "quality": "left", "sync": "right"}
        status, reply = ask(server, f"{server.token}/vote", vote)
        assert status == 200
        state = json.loads(reply)
    assert len(seen) == state["done"] == 8
    assert len(read_votes(server.folder)) == 8
    assert json.loads(ask(server, f"{server.token}/state?listener=ben")[1])["done"] == 0


def test_votes_that_are_none_are_refused(server: ListeningServer) -> None:
    good = {"trial": server.test.trials[0].id, "listener": "anna", "quality": "left", "sync": "left"}
    for bad in (b"no json", [1], {**good, "quality": "both"}, {**good, "trial": "?"}, {**good, "more": 1}):
        assert ask(server, f"{server.token}/vote", bad)[0] == 400
    assert ask(server, f"{server.token}/vote", b"x" * 10_000)[0] == 400
    assert ask(server, "wrong/vote", good)[0] == 403
    assert read_votes(server.folder) == ()


def test_media_come_whole_or_in_ranges_and_nothing_else_comes(server: ListeningServer) -> None:
    trial = server.test.trials[0]
    whole = Path(trial.left).read_bytes()
    base = f"{server.token}/media/{trial.id}"
    assert ask(server, f"{base}/left") == (200, whole)
    assert ask(server, f"{base}/left", Range="bytes=3-7") == (206, whole[3:8])
    assert ask(server, f"{base}/left", Range=f"bytes={len(whole)}-")[0] == 416
    for path in (
        f"{base}/test.json",
        f"{server.token}/media/none/left",
        f"{server.token}/media/..%2f..%2fx/left",
    ):
        assert ask(server, path)[0] == 404


def test_a_port_that_is_taken_is_told(server: ListeningServer) -> None:
    with pytest.raises(UnfinishedError, match="Port"):
        ListeningServer(server.folder, server.server_port)
