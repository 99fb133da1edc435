"""Models come from a hub whole, of the hashes that it says, with what it asks for, or not at all."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from safetensors.numpy import save
from v2m_daemon.cli import main
from v2m_daemon.home import Home
from v2m_daemon.models import fetching
from v2m_daemon.models.catalogue import find_model
from v2m_daemon.models.store import ModelStore

from v2m.errors import CheckpointError, DataLossError, OutputWriteError, UnfinishedError, UsageError

Capture = pytest.CaptureFixture[str]
COMMIT = "c0ffee" + "0" * 34
CONFIG = json.dumps({"model_type": "dinov2", "hidden_size": 384}).encode()
WEIGHTS = save(
    {
        "embeddings.cls_token": np.zeros((1, 1, 384), np.float32),
        "encoder.layer.0.norm1.weight": np.ones(40_000, np.float32),
    }
)


class Hub(ThreadingHTTPServer):
    """Imitates the documented calls; large files lie on another server, as with the real one."""

    def __init__(self, bytes_at: "Hub | None" = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {
            "config.json": CONFIG,
            "model.safetensors": WEIGHTS,
            "README.md": b"#",
        }
        self.bytes_at = bytes_at
        self.token = ""
        self.refusal = 401
        self.lie = False
        self.breaks_after: int | None = None
        self.asked: list[tuple[str, str, str | None, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, *, body: bool) -> None:
        path, hub = unquote(self.path), self.server
        secret = self.headers.get("Authorization")
        hub.asked.append((self.command, path, self.headers.get("Range"), secret))
        if hub.token and secret != f"Bearer {hub.token}":
            self.say(hub.refusal, {"X-Error-Code": "GatedRepo"}, b"")
        elif match := re.fullmatch(r"/api/models/([\w/.-]+)/revision/main", path):
            rows = [{"rfilename": name} for name in hub.files]
            self.say(200, {}, json.dumps({"id": match[1], "sha": COMMIT, "siblings": rows}).encode())
        elif match := re.fullmatch(rf"/[\w-]+/[\w.-]+/resolve/{COMMIT}/(.+)", path):
            self.file(match[1], body=body)
        elif match := re.fullmatch(r"/bytes/(.+)", path):
            self.content(hub.files[match[1]], {}, body=body)
        else:
            self.say(404, {}, b"")

    def file(self, name: str, *, body: bool) -> None:
        content = self.server.files.get(name)
        if content is None:
            self.say(404, {"X-Error-Code": "EntryNotFound"}, b"")
        elif name.endswith(".json"):
            blob = hashlib.sha1(
                f"blob {len(content)}\0".encode() + content, usedforsecurity=False
            ).hexdigest()
            self.content(content, {"ETag": f'"{blob}"', "X-Repo-Commit": COMMIT}, body=body)
        else:
            sha256 = hashlib.sha256(content + b"!" * self.server.lie).hexdigest()
            there = self.server.bytes_at or self.server
            told = {
                "X-Linked-ETag": f'"{sha256}"',
                "X-Linked-Size": str(len(content)),
                "X-Repo-Commit": COMMIT,
                "ETag": '"other"',
            }
            self.say(302, {**told, "Location": f"{there.url}/bytes/{name}"}, b"")

    def content(self, content: bytes, headers: dict[str, str], *, body: bool) -> None:
        asked = self.headers.get("Range")
        first = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        rest = content[first:]
        self.say(206 if asked else 200, headers, rest, body=body)

    def say(self, code: int, headers: dict[str, str], content: bytes, *, body: bool = True) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content[: self.server.breaks_after])

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def bytes_server() -> Iterator[Hub]:
    yield from serving(Hub())


@pytest.fixture
def hub(bytes_server: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    server = Hub(bytes_server)
    server.files = bytes_server.files
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    yield from serving(server)


def serving(server: Hub) -> Iterator[Hub]:
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelStore:
    monkeypatch.setenv("V2M_HOME", str(tmp_path / "home"))
    return ModelStore(Home.find().models)


def ignore(_fraction: float) -> None:
    pass


DINOV2 = find_model("dinov2-small")


@pytest.mark.usefixtures("hub")
def test_a_model_comes_as_its_makers_gave_it_out(store: ModelStore) -> None:
    fractions: list[float] = []
    folder = store.add(DINOV2, None, fractions.append)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert (folder / "config.json").read_bytes() == CONFIG
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "model.json",
        "model.safetensors",
    ]
    assert store.record(DINOV2)["source"] == f"facebook/dinov2-small@{COMMIT}"
    assert all(checked.intact for checked in store.verify(DINOV2))
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert [path.name for path in store.folder.iterdir()] == ["dinov2-small"]


def test_a_line_that_breaks_is_taken_up_where_it_broke(
    store: ModelStore, hub: Hub, bytes_server: Hub
) -> None:
    bytes_server.breaks_after = 100_000
    with pytest.raises(UnfinishedError, match="the line broke"):
        store.add(DINOV2, None, ignore)
    assert not store.owns(DINOV2)
    bytes_server.breaks_after = None
    store.add(DINOV2, None, ignore)
    ranges = [range_ for _, path, range_, _ in bytes_server.asked if path.endswith("safetensors")]
    assert ranges == [None, "bytes=100000-"]
    configs = [path for command, path, _, _ in hub.asked if command == "GET" and path.endswith("config.json")]
    assert len(configs) == 1  # what was whole is not fetched again


def test_a_token_goes_to_the_hub_and_nowhere_else(
    store: ModelStore, hub: Hub, bytes_server: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.token = "hf_secret"  # noqa: S105 - of a server that lives for this test
    with pytest.raises(UnfinishedError, match="accepted its conditions") as refused:
        store.add(DINOV2, None, ignore)
    for step in ("accept the conditions", "/settings/tokens", "HF_TOKEN"):
        assert step in refused.value.hint
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    store.add(DINOV2, None, ignore)
    assert {secret for _, _, _, secret in bytes_server.asked} == {None}


def test_a_token_whose_user_accepted_nothing_is_told_apart(
    store: ModelStore, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.token, hub.refusal = "hf_other", 403
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    with pytest.raises(UnfinishedError, match="this token's user has not") as refused:
        store.add(DINOV2, None, ignore)
    assert refused.value.detail == "GatedRepo"
    assert not store.owns(DINOV2)


@pytest.mark.usefixtures("store")
def test_nobody_is_called_before_the_licence_is_accepted(hub: Hub, capsys: Capture) -> None:
    assert main(["models", "add", "dinov2-small"]) == 2
    assert "--accept-licence" in capsys.readouterr().err
    assert hub.asked == []
    assert main(["models", "add", "dinov2-small", "--accept-licence"]) == 0
    assert hub.asked


def test_what_is_not_what_the_hub_said_is_thrown_away(store: ModelStore, hub: Hub) -> None:
    hub.lie = True
    with pytest.raises(DataLossError, match="another hash"):
        store.add(DINOV2, None, ignore)
    hub.lie = False
    store.add(DINOV2, None, ignore)


@pytest.mark.usefixtures("hub")
def test_a_full_disk_is_told_before_a_byte_is_fetched(
    store: ModelStore, bytes_server: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_SPARE_BYTES", 1 << 60)
    with pytest.raises(OutputWriteError, match="GB are free"):
        store.add(DINOV2, None, ignore)
    assert bytes_server.asked == []


def test_another_model_than_was_said_is_refused(store: ModelStore, hub: Hub) -> None:
    hub.files["config.json"] = json.dumps({"model_type": "bert"}).encode()
    with pytest.raises(CheckpointError, match="model_type 'bert', expected 'dinov2'"):
        store.add(DINOV2, None, ignore)
    assert not store.owns(DINOV2)


def test_ctrl_c_leaves_what_has_come(
    store: ModelStore, bytes_server: Hub, monkeypatch: pytest.MonkeyPatch, capsys: Capture, hub: Hub
) -> None:
    real = ModelStore.add

    def stopped(self: ModelStore, model: Any, source: Any, on_progress: Any, **options: Any) -> Path:
        def stop(fraction: float) -> None:
            on_progress(fraction)
            if fraction > 0.5:
                raise KeyboardInterrupt

        return real(self, model, source, stop, **options)

    monkeypatch.setattr(ModelStore, "add", stopped)
    assert main(["models", "add", "dinov2-small", "--accept-licence"]) == 130
    assert "goes on from there" in capsys.readouterr().err
    assert sum(path.stat().st_size for path in store.folder.glob(".*.part")) > len(CONFIG)
    monkeypatch.undo()
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    store.add(DINOV2, None, ignore)
    assert not list(store.folder.glob(".*"))


@pytest.mark.parametrize("endpoint", ["http://example.org", "ftp://127.0.0.1", "example.org"])
def test_only_secure_hubs_are_called(
    store: ModelStore, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    with pytest.raises(UsageError, match="https"):
        store.add(DINOV2, None, ignore)


def test_an_unknown_repository_says_what_else_can_be_done(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(UnfinishedError, match=r"facebook/dinov2-small could not be had") as refused:
        store.add(DINOV2, None, ignore)
    assert "v2m models add NAME FOLDER" in refused.value.hint
