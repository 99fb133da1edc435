"""A daemon that shares no files with its client: TLS, media sent, results brought back; the examples."""

import ast
import contextlib
import io
import json
import re
import runpy
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
import v2m_daemon.client
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from v2m_daemon.cli import main
from v2m_daemon.client import Client, JobKind, JobSpec, JobState, JobView, connect
from v2m_daemon.client.delivery import check_free, deliver
from v2m_daemon.home import Home
from v2m_daemon.parcel import safe_name, send
from v2m_daemon.server.uploads import _check_name
from v2m_otio.read import read_document
from v2m_otio.targets import PathMap

from v2m import errors
from v2m.rpc.v1 import scoring_pb2 as pb

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, start: Callable[..., Any]) -> Any:
    """Reached over TCP, by a token that lies elsewhere."""
    home = Home.at(tmp_path_factory.mktemp("there"))
    home.make()
    home.config_file.write_text('[server]\nlisten = "127.0.0.1:0"\n')
    return start(home)


@pytest.fixture
def far(daemon: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The flags that lead there, from a machine with a home of its own."""
    monkeypatch.setenv("V2M_HOME", str(tmp_path / "here"))
    token = tmp_path / "token"
    shutil.copy(daemon.home.token, token)
    return ("--server", daemon.target, "--token-file", str(token))


@pytest.fixture
def client(far: tuple[str, ...]) -> Iterator[Client]:
    with connect(far[1], token_file=Path(far[3])) as client:
        yield client


# --- files there and back ---------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 3 * 512 * 1024, 2_000_000])
def test_a_file_arrives_and_is_not_sent_twice(client: Client, tmp_path: Path, size: int) -> None:
    file = tmp_path / "shot 1.mov"
    file.write_bytes(bytes(range(256)) * (size // 256) + b"x" * (size % 256))
    told: list[float] = []
    there = client.upload(file, report=told.append)
    assert Path(there).read_bytes() == file.read_bytes()
    assert Path(there).name == "shot 1.mov"
    assert told == sorted(told)
    assert told[-1] == 1.0
    before = Path(there).stat()
    assert client.upload(file) == there
    assert Path(there).stat().st_ino == before.st_ino


def test_files_of_one_name_and_other_contents_lie_apart(client: Client, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "b").write_bytes(b"two")
    assert client.upload(tmp_path / "a", name="c.mov") != client.upload(tmp_path / "b", name="c.mov")
    client.upload(tmp_path / "a", name="c.mov", collection="film")
    with pytest.raises(errors.ConflictError):
        client.upload(tmp_path / "b", name="c.mov", collection="film")


def test_a_file_that_cannot_be_read_is_told(client: Client, tmp_path: Path) -> None:
    with pytest.raises(errors.InputError, match="Cannot read"):
        client.upload(tmp_path / "nowhere.mov")


def scored(client: Client, tmp_path: Path, prompt: str = "calm") -> JobView:
    (tmp_path / "film.otio").write_text("{}")
    there = client.upload(tmp_path / "film.otio")
    return client.wait(client.submit(JobSpec(kind=JobKind.SCORE, document=there, prompt=prompt)).id)


def test_a_result_comes_whole_and_replaces_nothing_unasked(client: Client, tmp_path: Path) -> None:
    job = scored(client, tmp_path)
    target = tmp_path / "music" / "a.wav"
    client.fetch(job.id, "wav", target)
    assert target.read_bytes() == Path(job.outputs["wav"]).read_bytes()
    target.write_bytes(b"mine")
    with pytest.raises(errors.OutputExistsError):
        client.fetch(job.id, "wav", target)
    assert target.read_bytes() == b"mine"
    client.fetch(job.id, "wav", target, overwrite=True)
    assert target.read_bytes() == Path(job.outputs["wav"]).read_bytes()
    with pytest.raises(errors.UnknownJobError):
        client.fetch(job.id, "drums", tmp_path / "drums.wav")
    assert [path.name for path in target.parent.iterdir()] == ["a.wav"]


def test_a_download_goes_on_where_it_broke_off(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = scored(client, tmp_path)
    whole = Path(job.outputs["wav"]).read_bytes()
    offsets = []
    stream = client._link.stream

    def breaking(method: str, request: Any, *, deadline_s: float) -> Iterator[Any]:
        offsets.append(request.offset_bytes)
        for answer in stream(method, request, deadline_s=deadline_s):
            if answer.WhichOneof("part") == "trailer" and len(offsets) < 3:
                raise errors.UnreachableError("The line broke.")
            if answer.WhichOneof("part") == "chunk" and len(offsets) == 1:
                answer.chunk = answer.chunk[:100]
            yield answer

    monkeypatch.setattr(client._link, "stream", breaking)
    client.fetch(job.id, "wav", tmp_path / "a.wav")
    assert (tmp_path / "a.wav").read_bytes() == whole
    assert offsets == [0, 100, len(whole)]


def test_bytes_that_changed_on_the_way_are_noticed(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = scored(client, tmp_path)
    stream = client._link.stream

    def flipping(*arguments: Any, **options: Any) -> Iterator[Any]:
        for answer in stream(*arguments, **options):
            if answer.WhichOneof("part") == "chunk":
                answer.chunk = answer.chunk[:-1] + b"?"
            yield answer

    monkeypatch.setattr(client._link, "stream", flipping)
    with pytest.raises(errors.DataLossError):
        client.fetch(job.id, "wav", tmp_path / "lost" / "a.wav")
    assert not list((tmp_path / "lost").iterdir())


# --- a timeline with its media ----------------------------------------------------------------------


@pytest.fixture
def edit(tmp_path: Path) -> Path:
    """Two shots of one name in two folders, one by a relative reference, one by an absolute one; one gone."""
    folder = tmp_path / "edit"
    urls = []
    for name, url in (("day", "day/shot.mov"), ("night", str(folder / "night" / "shot.mov"))):
        (folder / name).mkdir(parents=True)
        (folder / name / "shot.mov").write_bytes(name.encode() * 1000)
        urls.append(url)
    track = otio.schema.Track(kind=otio.schema.TrackKind.Video)
    span = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(24, 24))
    for url in (*urls, "gone.mov"):
        reference = otio.schema.ExternalReference(url, available_range=span)
        track.append(otio.schema.Clip(url, media_reference=reference, source_range=span))
    timeline = otio.schema.Timeline("edit")
    timeline.tracks.append(track)
    timeline.to_json_file(str(folder / "edit.otio"))
    return folder / "edit.otio"


@pytest.mark.parametrize("beside", [True, False])
def test_a_timeline_finds_its_media_there(client: Client, edit: Path, tmp_path: Path, beside: bool) -> None:
    before = edit.read_bytes()
    spec = JobSpec(kind=JobKind.SCORE, document=str(edit), in_place=True, seed=3)
    told: list[float] = []
    sent = send(client, spec, edit.parent if beside else None, told.append)
    assert (sent.seed, sent.in_place, sent.out_dir) == (3, False, None)
    assert edit.read_bytes() == before
    there = read_document(Path(sent.document), path_map=PathMap(sent.path_map))
    first, second, gone = (shot.media for shot in there.timeline.shots)
    assert first is not None and first.path is not None  # noqa: PT018 - for the types
    assert second is not None and second.path is not None  # noqa: PT018
    assert first.path.read_bytes() == b"day" * 1000
    assert second.path.read_bytes() == b"night" * 1000
    assert gone is not None
    assert gone.path is None
    assert str(edit.parent) not in f"{first.path}{second.path}"
    assert (first.target == "day/shot.mov") is beside  # else the copy elsewhere would lose it
    assert told[-1] == 1.0
    assert Path(sent.document).name == "edit.otio"


def test_a_bundle_a_video_and_the_rest_go_as_they_are(client: Client, edit: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "film.otiod"
    (bundle / "media").mkdir(parents=True)
    (bundle / "media" / "a.mov").write_bytes(b"bundled")
    shutil.copy(edit.parent / "edit.otio", bundle / "content.otio")
    text = (bundle / "content.otio").read_text().replace("day/shot.mov", "media/a.mov")
    (bundle / "content.otio").write_text(text)
    video, font, picture = (tmp_path / name for name in ("v.mov", "f.sf2", "p.mp4"))
    for file in (video, font, picture):
        file.write_bytes(file.name.encode())
    spec = JobSpec(
        kind=JobKind.SCORE, document=str(bundle), soundfont=str(font), picture=str(picture), adapter=str(font)
    )
    sent = send(client, spec, None, lambda fraction: None)
    there = read_document(Path(sent.document), path_map=PathMap(sent.path_map))
    media = there.timeline.shots[0].media
    assert media is not None and media.path is not None  # noqa: PT018 - for the types
    assert media.path.read_bytes() == b"bundled"
    assert sent.soundfont is not None and sent.picture is not None  # noqa: PT018
    assert (Path(sent.soundfont).name, Path(sent.picture).name) == ("f.sf2", "p.mp4")
    plain = send(client, JobSpec(kind=JobKind.SCORE, document=str(video)), None, lambda fraction: None)
    assert Path(plain.document).read_bytes() == b"v.mov"
    assert plain.path_map == ()


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=300))
def test_every_name_is_made_one_that_the_daemon_takes(name: str) -> None:
    _check_name(safe_name(name))


def test_a_good_name_stays() -> None:
    for name in ("film.otio", "Szene 3, Größe.mov", "a.b.c.otio", "東京.mp4"):
        assert safe_name(name) == name


def test_from_the_command_line_there_and_back(
    capsys: Capture, far: tuple[str, ...], edit: Path, tmp_path: Path
) -> None:
    assert main(["submit", str(edit), "--upload", *far]) == 0
    job = json.loads(capsys.readouterr().out)["job"]
    command = ["watch-job", job, "--fetch", str(tmp_path / "music"), "--json", *far]
    assert main(command) == 0
    result = json.loads(capsys.readouterr().out)
    assert Path(result["wav"]).parent == tmp_path / "music"
    assert Path(result["wav"]).read_bytes().startswith(b"RIFF")
    assert main(command) == 4
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "output_exists"
    assert main([*command, "--overwrite"]) == 0
    capsys.readouterr()
    out = tmp_path / "more"
    assert main(["score", str(edit), "--daemon", "--upload", "--out", str(out), "--json", *far]) == 0
    assert Path(json.loads(capsys.readouterr().out)["wav"]).parent == out
    assert [path.suffix for path in out.iterdir()] == [".wav"]


# --- results that come ------------------------------------------------------------------------------


class Shelf:
    """Stands in for a client: files by name."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def fetch(self, job_id: str, name: str, target: Path, *, overwrite: bool = False) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self.files[name])


def view(out: str, outputs: dict[str, str], result: dict[str, Any]) -> JobView:
    return JobView(
        id="j", kind=JobKind.SCORE, state=JobState.DONE, document="", out_dir=out, created_ms=0,
        outputs=outputs, result=result,
    )  # fmt: skip


@pytest.mark.parametrize(("out", "join"), [("/data/jobs/j/out", "/"), ("C:\\Users\\v2m\\jobs\\j\\out", "\\")])
def test_results_lie_as_they_would_have_been_made_here(tmp_path: Path, out: str, join: str) -> None:
    at = join.join
    outputs = {
        "take/take.json": at([out, "film.v2m", "take.json"]),
        "take/music.wav": at([out, "film.v2m", "music.wav"]),
        "wav": at([out, "film.v2m", "music.wav"]),
        "timeline": at([out, "film_scored.otio"]),
    }
    result = {
        "take": at([out, "film.v2m"]), "wav": outputs["wav"], "timeline": outputs["timeline"], "seed": 1,
        "takes": [{"take": at([out, "film.v2m"]), "rank": 1}, {"take": at([out, "other.v2m"]), "rank": 2}],
    }  # fmt: skip
    timeline = {"clip": [{"target_url": outputs["wav"]}, {"target_url": "/footage/a.mov"}, {"other": [1.5]}]}
    files = {"take/take.json": b"{}", "take/music.wav": b"RIFF", "timeline": json.dumps(timeline).encode()}
    local = deliver(Shelf(files), view(out, outputs, result), tmp_path)  # type: ignore[arg-type]
    assert local["take"] == str(tmp_path / "film.v2m")
    assert local["wav"] == str(tmp_path / "film.v2m" / "music.wav")
    assert local["seed"] == 1
    assert local["takes"][0]["take"] == local["take"]
    assert local["takes"][1]["take"] == at([out, "other.v2m"])  # which was not brought
    assert Path(local["wav"]).read_bytes() == b"RIFF"
    clips = json.loads(Path(local["timeline"]).read_bytes())["clip"]
    assert [clip.get("target_url") for clip in clips] == [local["wav"], "/footage/a.mov", None]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.v2m", "film_scored.otio"]


def test_a_take_that_is_replaced_is_replaced_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "f.v2m").mkdir()
    (tmp_path / "f.v2m" / "old.wav").write_bytes(b"old")
    job = view("/out", {"take/a.wav": "/out/f.v2m/a.wav"}, {"take": "/out/f.v2m"})
    shelf: Any = Shelf({"take/a.wav": b"new"})
    with pytest.raises(errors.OutputExistsError):
        deliver(shelf, job, tmp_path)
    assert (tmp_path / "f.v2m" / "old.wav").exists()
    deliver(shelf, job, tmp_path, overwrite=True)
    assert [path.name for path in (tmp_path / "f.v2m").iterdir()] == ["a.wav"]


def test_a_delivery_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    class Broken(Shelf):
        def fetch(self, job_id: str, name: str, target: Path, *, overwrite: bool = False) -> None:
            if name == "b":
                raise errors.UnreachableError("The line broke.")
            super().fetch(job_id, name, target)

    job = view("/out", {"a": "/out/a", "b": "/out/b"}, {})
    broken: Any = Broken({"a": b"", "b": b""})
    with pytest.raises(errors.UnreachableError):
        deliver(broken, job, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "path"),
    [("a", "/out/../../etc/a"), ("../a", "/elsewhere/a"), ("/a", "/elsewhere/a"), ("a", "/out"), ("", "/x")],
)
def test_a_daemon_cannot_write_outside_the_folder(tmp_path: Path, name: str, path: str) -> None:
    shelf: Any = Shelf({name: b"evil"})
    folder = tmp_path / "deep" / "er"
    with pytest.raises(errors.DataLossError):
        deliver(shelf, view("/out", {name: path}, {}), folder)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_what_is_in_the_way_is_told_before_the_work(tmp_path: Path) -> None:
    check_free(tmp_path / "new", "film", overwrite=False)
    (tmp_path / "film_scored.otio").write_text("{}")
    check_free(tmp_path, "film", overwrite=True)
    check_free(tmp_path, "other", overwrite=False)
    with pytest.raises(errors.OutputExistsError):
        check_free(tmp_path, "film", overwrite=False)


# --- TLS --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificate, is not installed here")
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("ours", "theirs"):
        command = (
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
            f"-subj /CN=localhost -keyout {name}.key -out {name}.pem "
            "-addext subjectAltName=DNS:localhost,IP:127.0.0.1"
        )
        subprocess.run(shlex.split(command), cwd=folder, check=True, capture_output=True)
    return folder


def test_tls_lets_in_who_knows_the_certificate(
    certificates: Path, start: Callable[..., Any], home: Home, tmp_path: Path
) -> None:
    home.config_file.write_text(
        f'[server]\nlisten = "127.0.0.1:0"\ntls_cert = "{certificates}/ours.pem"\n'
        f'tls_key = "{certificates}/ours.key"\n'
    )
    daemon = start(home)
    with connect(home=home) as client:  # which reads the certificate from the home
        assert client.server_info().pid == daemon.process.pid
    ours, theirs = certificates / "ours.pem", certificates / "theirs.pem"
    with connect(daemon.target, token_file=home.token, certificate=ours) as client:
        assert client.server_info().pid == daemon.process.pid
    for wrong in (theirs, None):
        stranger = connect(daemon.target, token_file=home.token, certificate=wrong, patience_s=0.2)
        with stranger as client, pytest.raises(errors.UnreachableError):
            client.server_info()


# --- the examples -----------------------------------------------------------------------------------


def indented(documentation: str) -> list[str]:
    """The blocks of code in a docstring."""
    blocks = re.findall(r"(?:^    .*\n|^\n(?=    ))+", documentation, re.MULTILINE)
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE).strip("\n") for block in blocks]


def python_examples(repository: Path) -> list[str]:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    ours = [block for block in indented(str(v2m_daemon.client.__doc__)) if "import" in block]
    assert len(ours) == 1
    return [*ours, *(block for block in shown if "v2m_daemon.client" in block)]


def test_the_examples_in_python_run(
    repository: Path, start: Callable[..., Any], home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(home)
    monkeypatch.setenv("V2M_HOME", str(home.state))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo_out").mkdir()
    (tmp_path / "demo_out" / "demo.otio").write_text("{}")
    for number, example in enumerate(python_examples(repository)):
        ast.parse(example)
        (tmp_path / f"example{number}.py").write_text(example)
        with contextlib.redirect_stdout(io.StringIO()) as said:
            runpy.run_path(str(tmp_path / f"example{number}.py"))
        *progress, wav = said.getvalue().splitlines()
        assert Path(wav).is_file()
        assert progress[-1].startswith("done ")
        assert progress[-1].endswith("100%")


def test_the_examples_for_grpcurl_name_what_there_is(repository: Path) -> None:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    blocks = [
        *indented(str(v2m_daemon.client.__doc__)),
        *re.findall(r"^```sh\n(.*?)^```", readme, re.M | re.S),
    ]
    commands = [
        command for block in blocks for command in re.findall(r"^grpcurl(?:.*\\\n)*.*", block, re.MULTILINE)
    ]
    assert commands
    for command in commands:
        words = shlex.split(command.replace("\\\n", " "))
        assert any(word.startswith("authorization: Bearer ") for word in words)
        service, _, method = words[-1].rpartition("/")
        if service:
            described = pb.DESCRIPTOR.services_by_name[service.removeprefix("v2m.rpc.v1.")]
            request = getattr(pb, described.methods_by_name[method].input_type.name)
            json_format.Parse(words[words.index("-d") + 1] if "-d" in words else "{}", request())
