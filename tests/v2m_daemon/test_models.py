"""Models are added whole and of a known hash, from a file or over a line that breaks, or not at all."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pretty_midi
import pytest
from v2m_daemon.cli import main
from v2m_daemon.home import Home
from v2m_daemon.models import catalogue
from v2m_daemon.models.catalogue import CATALOGUE
from v2m_daemon.models.model import SUFFIXES, Model, ModelFile
from v2m_daemon.models.store import ModelStore

from v2m.added_models import models_folder
from v2m.codecs import soundfont
from v2m.codecs.soundfont import SOUNDFONT_VARIABLE, find_soundfont
from v2m.errors import DataLossError, InputError, UnfinishedError, UsageError

Capture = pytest.CaptureFixture[str]
FONT = (Path(pretty_midi.__file__).parent / "TimGM6mb.sf2").read_bytes()
SHA256 = hashlib.sha256(FONT).hexdigest()


class Server(ThreadingHTTPServer):
    """Gives out one file; drops the line after `breaks_after` bytes, each time."""

    content = FONT
    breaks_after: int | None = None
    understands_ranges = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/MuseScore_General.sf3"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        first = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        if first >= len(self.server.content):
            self.send_response(416)
            self.end_headers()
            return
        body = self.server.content[first if self.server.understands_ranges else 0 :]
        self.send_response(206 if asked and self.server.understands_ranges else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.breaks_after])

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def model() -> Model:
    file = ModelFile("MuseScore_General.sf3", {SHA256: "of a test"}, "https://127.0.0.1:1/x.sf3")
    return replace(CATALOGUE["musescore-general"], files=(file,), size_bytes=len(FONT))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Model) -> ModelStore:
    """The store of a home of its own, on a machine without fonts, where the model is a small one."""
    monkeypatch.setenv("V2M_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(SOUNDFONT_VARIABLE, raising=False)
    monkeypatch.setattr(soundfont, "_system_folders", lambda: ())
    monkeypatch.setattr(catalogue, "CATALOGUE", {model.name: model})
    return ModelStore(Home.find().models, ("http", "https"))


def at(model: Model, url: str) -> Model:
    return replace(model, files=(replace(model.files[0], url=url),))


def ignore(_fraction: float) -> None:
    pass


@pytest.fixture
def font(tmp_path: Path) -> Path:
    path = tmp_path / "downloads" / "font.sf3"
    path.parent.mkdir()
    path.write_bytes(FONT)
    return path


def test_library_and_daemon_look_for_models_in_the_same_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for home in (str(tmp_path), ""):
        monkeypatch.setenv("V2M_HOME", home)
        assert models_folder() == Home.find().models


def test_an_added_font_is_the_one_that_plays(store: ModelStore, model: Model, font: Path) -> None:
    assert find_soundfont().path.name == "TimGM6mb.sf2"
    folder = store.add(model, font, ignore)
    assert find_soundfont().path == folder / "MuseScore_General.sf3"
    assert find_soundfont().sha256 == SHA256
    assert store.place(model) == folder
    assert [checked.intact for checked in store.verify(model)] == [True]
    store.remove(model)
    assert find_soundfont().path.name == "TimGM6mb.sf2"
    assert not list(store.folder.iterdir())


def test_a_line_that_breaks_is_taken_up_where_it_broke(
    store: ModelStore, model: Model, server: Server
) -> None:
    model = at(model, server.url)
    server.breaks_after = len(FONT) // 2 + 7
    with pytest.raises(UnfinishedError, match="the line broke"):
        store.add(model, None, ignore)
    assert not store.owns(model)
    server.breaks_after = None
    fractions: list[float] = []
    folder = store.add(model, None, fractions.append)
    assert (folder / "MuseScore_General.sf3").read_bytes() == FONT
    assert server.asked == [None, f"bytes={len(FONT) // 2 + 7}-"]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert [path.name for path in store.folder.iterdir()] == [model.name]


def test_a_server_that_knows_no_ranges_is_asked_for_the_whole(
    store: ModelStore, model: Model, server: Server
) -> None:
    store.folder.mkdir(parents=True)
    (store.folder / f".{model.name}-MuseScore_General.sf3.part").write_bytes(b"rubbish")
    server.understands_ranges = False
    folder = store.add(at(model, server.url), None, ignore)
    assert (folder / "MuseScore_General.sf3").read_bytes() == FONT


def test_a_download_that_was_whole_already_is_taken(store: ModelStore, model: Model, server: Server) -> None:
    store.folder.mkdir(parents=True)
    (store.folder / f".{model.name}-MuseScore_General.sf3.part").write_bytes(FONT)
    assert store.add(at(model, server.url), None, ignore).is_dir()


def test_what_is_not_the_file_is_thrown_away(store: ModelStore, model: Model, server: Server) -> None:
    server.content = FONT[:-1] + b"x"
    with pytest.raises(DataLossError, match="SHA-256"):
        store.add(at(model, server.url), None, ignore)
    assert not list(store.folder.iterdir())


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/font.sf3"])
def test_only_web_addresses_are_called(store: ModelStore, model: Model, url: str) -> None:
    with pytest.raises(UsageError, match="https"):
        store.add(at(model, url), None, ignore)


def test_another_file_and_a_second_time_are_refused(store: ModelStore, model: Model, font: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.sf2 is no file and no folder"):
        store.add(model, font.with_name("gone.sf2"), ignore)
    (other := font.with_name("other.sf2")).write_bytes(b"RIFF")
    with pytest.raises(InputError, match=r"other\.sf2 is not MuseScore_General\.sf3 as it is known"):
        store.add(model, other, ignore)
    store.add(model, font, ignore)
    with pytest.raises(UsageError, match="there already"):
        store.add(model, font, ignore)


def test_the_command_adds_lists_verifies_and_removes(
    store: ModelStore, model: Model, font: Path, capsys: Capture
) -> None:
    def said(*arguments: str) -> dict[str, Any]:
        assert main(["models", *arguments, "--json"]) == 0
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        return answer

    assert said("list")["models"][0] | {"present": False, "path": None} == said("list")["models"][0]
    assert said("add", model.name, str(font), "--accept")["model"]["present"] is True
    assert said("list", model.name)["models"][0]["path"] == str(store.folder / model.name)
    assert said("verify") == said("verify", model.name)
    assert said("verify")["files"][0]["sha256"] == SHA256
    record = json.loads((store.folder / model.name / "model.json").read_text())
    assert (record["licence"], record["files"][0]["edition"]) == ("MIT", "of a test")
    (store.folder / model.name / "MuseScore_General.sf3").write_bytes(FONT[:-1])
    assert main(["models", "verify"]) == 4
    assert "damaged" in capsys.readouterr().err
    assert said("remove", model.name) == {"removed": model.name}
    assert said("list")["models"][0]["present"] is False


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["add"], 2, "needs a name"),
        (["add", "nothing"], 2, "no model 'nothing'"),
        (["add", "musescore-general"], 2, "--accept-licence"),
        (["add", "musescore-general", "--accept"], 4, "apt install musescore-general-soundfont-small"),
        (["add", "musescore-general", "gone.sf3", "--accept"], 3, "gone.sf3"),
        (["list", "musescore-general", "font.sf3"], 2, "takes no path"),
        (["verify", "musescore-general"], 2, "was not added"),
        (["remove", "musescore-general"], 2, "was not added"),
        (["sell"], 2, "sell"),
    ],
)
@pytest.mark.usefixtures("store")
def test_what_cannot_be_done_is_told_in_a_sentence(
    arguments: list[str], code: int, said: str, capsys: Capture
) -> None:
    assert main(["models", *arguments]) == code
    assert said in capsys.readouterr().err


def test_the_words_of_a_list_tell_licence_and_size(store: ModelStore, capsys: Capture) -> None:
    assert main(["models", "list"]) == 0
    words = capsys.readouterr().out
    assert re.search(r"musescore-general.*MIT.*MB", words)
    assert "v2m models add musescore-general" in words
    assert not store.folder.exists()


def test_models_hold_no_format_that_runs_code(model: Model) -> None:
    assert not any(
        suffix in {".ckpt", ".pt", ".pth", ".bin", ".pkl"} for s in SUFFIXES.values() for suffix in s
    )
    with pytest.raises(ValueError, match=r"font\.ckpt"):
        replace(model, files=(replace(model.files[0], name="font.ckpt"),))
    for known in CATALOGUE.values():
        assert known.licence.notice
        assert known.manual.endswith(".")
        assert known.size_bytes > 0
        assert known.memory_bytes > 0
        assert set(known.needs) <= CATALOGUE.keys()
        for file in known.files:
            assert not file.url or file.url.startswith("https://")
            assert all(re.fullmatch(r"[0-9a-f]{64}", sha256) for sha256 in file.editions)


def test_every_model_that_must_be_there_is_in_the_catalogue() -> None:
    names = (
        "musescore-general stable-audio-3-small stable-audio-3-small-base stable-audio-3-medium "
        "stable-audio-3-medium-base stable-audio-open stable-audio-open-small stable-audio-controlnet "
        "ace-step ace-step-sft ace-step-turbo paper dinov2-small dinov2-base dinov2-large vjepa2 "
        "cotracker avsiam musicfm t5gemma-b-b-ul2 t5-base whisper gemma-3-4b-it qwen3-vl llama"
    )
    assert set(names.split()) <= CATALOGUE.keys()
    assert [name for name, model in CATALOGUE.items() if not model.licence.commercial] == [
        "cotracker",
        "avsiam",
    ]
