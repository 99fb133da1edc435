"""Parts of the scripts by themselves, against what Python knows of JSON, paths and rates."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

HERE = Path(__file__).parent
PARTS = HERE.parents[1] / "resolve_scripts/src"
Ask = Callable[..., Any]

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
# Lua has one table for both: an empty object comes back as one, an empty list as a list
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """Calls a function of a part; a failure comes as `AskedError`."""
    process = subprocess.Popen(
        ["luajit", HERE / "lua_parts.lua", PARTS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None

    def call(part: str, name: str, *arguments: Any) -> Any:
        assert process.stdin is not None
        assert process.stdout is not None
        asked = {"part": part, "name": name, "arguments": list(arguments)}
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        if "why" in answer:
            raise AskedError(answer["why"])
        return answer["value"]

    yield call
    process.stdin.close()
    process.wait(60)
    process.stdout.close()


class AskedError(Exception):
    """Lua said no."""


@given(value=VALUES, is_ascii=st.booleans(), indent=st.sampled_from([None, 1]))
def test_json_reads_and_writes_what_python_does(ask: Ask, value: Any, is_ascii: bool, indent: Any) -> None:
    text = json.dumps(value, ensure_ascii=is_ascii, indent=indent)
    if value is None:
        return  # no answer can be told from none
    back = ask("json", "encode", ask("json", "decode", text))
    assert json.loads(back) == value


@pytest.mark.parametrize(
    "text",
    ["", " ", "{", "[1,]", '{"a":1,}', "{a:1}", "'x'", '"\x01"', '"\\x"', '"\\ud800"', '"\\udc00x"', "01",
     "+1", "1.", ".5", "1e", "nul", "true false", "[1 2]", '{"a" 1}', '"abc', "NaN", "Infinity", "-",
     "[" * 200, "// x", '{"a":}', "1 //"],
)  # fmt: skip
def test_what_is_no_json_is_refused(ask: Ask, text: str) -> None:
    with pytest.raises(AskedError, match="no JSON at byte"):
        ask("json", "decode", text)


@pytest.mark.parametrize(
    ("told", "exact"),
    [
        (23.976, Fraction(24000, 1001)), ("23.98", Fraction(24000, 1001)), (24, Fraction(24)),
        (23.976024627685547, Fraction(24000, 1001)), ("24.0", Fraction(24)), ("25", Fraction(25)),
        ("29.97 DF", Fraction(30000, 1001)), (29.97, Fraction(30000, 1001)), (30, Fraction(30)),
        (47.952, Fraction(48000, 1001)), (59.94, Fraction(60000, 1001)), ("60", Fraction(60)),
        (119.88, Fraction(120000, 1001)),
    ],
)  # fmt: skip
def test_rates_are_exact_however_they_are_told(ask: Ask, told: Any, exact: Fraction) -> None:
    found = ask("rate", "of", told)
    assert Fraction(found["num"], found["den"]) == exact


@pytest.mark.parametrize("told", ["", "fast", "0", "27.3"])
def test_an_unknown_rate_is_refused(ask: Ask, told: str) -> None:
    with pytest.raises(AskedError, match="frame rate"):
        ask("rate", "of", told)


@given(
    frame=st.integers(0, 2**22),
    exact=st.sampled_from([Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60)]),
)
def test_a_frames_time_is_that_frame(ask: Ask, frame: int, exact: Fraction) -> None:
    rate = {"num": exact.numerator, "den": exact.denominator}
    assert ask("rate", "frame", float(frame / exact), rate) == frame


@pytest.mark.parametrize(
    ("folder", "path"),
    [
        ("/", "/a"), ("/b/", "/b/a"), ("C:\\", "C:\\a"), ("C:\\b", "C:\\b\\a"),
        ("\\\\nas\\b", "\\\\nas\\b\\a"), ("D:/b", "D:/b\\a"),
    ],
)  # fmt: skip
def test_paths_are_joined_in_their_own_style(ask: Ask, folder: str, path: str) -> None:
    assert ask("files", "join", folder, "a") == path


@pytest.mark.parametrize(
    ("path", "folder", "is_below"),
    [
        ("/a/b/c", "/a/b", True), ("/a/bc", "/a/b", False), ("/A/b", "/a", False), ("/a", "/a", False),
        ("c:/Users/x/y.wav", "C:\\Users\\X", True), ("\\\\NAS\\a\\b", "//nas/a", True), ("", "/a", False),
    ],
)  # fmt: skip
def test_what_lies_below_a_folder(ask: Ask, path: str, folder: str, is_below: bool) -> None:
    assert ask("files", "is_below", path, folder) is is_below


@given(name=TEXTS)
def test_a_plain_name_suits_every_system(ask: Ask, name: str) -> None:
    plain = ask("files", "plain_name", name)
    assert plain
    assert len(plain.encode()) <= 90
    assert not set(plain) & set('<>:"/\\|?*\0\n')
    assert plain.strip(" .") == plain or not plain.isascii()


@pytest.mark.parametrize("name", ["con", "NUL.x", "COM1", "..", "", "é" * 200])
def test_names_that_a_system_keeps_for_itself(ask: Ask, name: str) -> None:
    plain = ask("files", "plain_name", name)
    assert plain.upper().partition(".")[0] not in {"CON", "NUL", "COM1", ""}


def test_a_note_is_prompt_and_fields(ask: Ask) -> None:
    note = "lo-fi\r\nrhythm: bossa\nTakes:  4\n lock: rhythm \ntempo: 90.5"
    assert ask("wishes", "of_note", note) == {
        "prompt": "lo-fi, rhythm: bossa", "takes": 4, "lock": "rhythm", "tempo_bpm": 90.5,
    }  # fmt: skip
    with pytest.raises(AskedError, match="expected a number"):
        ask("wishes", "of_note", "takes: many")
    note = "mute: drums, bass\nintensity: cut-3=1.5, 10..14 = -1\nrange: 2..6\nbend: 2"
    assert ask("wishes", "of_note", note) == {
        "mute": "drums, bass", "intensity": [["cut-3", "1.5"], ["10..14", "-1"]],
        "range": "2..6", "max_bend": 2,
    }  # fmt: skip
    with pytest.raises(AskedError, match="expected such as"):
        ask("wishes", "of_note", "intensity: louder")


@pytest.mark.parametrize("words", ["it's $(touch evil) `touch evil` ; touch evil", "-h", "ü 音"])
def test_a_notification_runs_nothing_but_itself(words: str, tmp_path: Path) -> None:
    spy = tmp_path / "notify-send"
    spy.write_text('#!/bin/sh\nfor each; do printf "%s\\n" "$each" >> told.tmp; done; mv told.tmp told\n')
    spy.chmod(0o755)
    asked = json.dumps({"part": "files", "name": "show", "arguments": ["V2M", words]}) + "\n"
    command = ["luajit", HERE / "lua_parts.lua", PARTS]
    wait = "while [ ! -e told ]; do sleep 0.05; done"
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    subprocess.run(command, input=asked, text=True, cwd=tmp_path, env=environment, check=True, timeout=60)
    subprocess.run(["sh", "-c", wait], cwd=tmp_path, check=True, timeout=60)
    assert (tmp_path / "told").read_text().splitlines() == ["--", "V2M", words]
    assert not (tmp_path / "evil").exists()


LUA = {
    "print", "error", "pcall", "tostring", "tonumber", "type", "pairs", "ipairs", "next", "rawget", "require",
    "setmetatable", "getmetatable", "string", "table", "math", "os", "io", "package", "_G",
}  # fmt: skip
RESOLVES = {"Resolve", "fu", "bmd"}
"""Other than these nothing is global: a slip of the pen would be one, and nil where it is used."""


@pytest.mark.parametrize("name", ["V2M Score", "V2M Retime", "V2M Restyle", "V2M Takes"])
def test_no_name_is_global_by_mistake(name: str) -> None:
    script = PARTS.parent / f"{name}.lua"
    listing = subprocess.run(["luajit", "-bl", script], capture_output=True, check=True).stdout.decode(
        "latin-1"
    )
    read = set(re.findall(r'GGET .*; "(\w+)"', listing))
    assert read <= LUA | RESOLVES
    assert not re.findall(r'GSET .*; "(\w+)"', listing)
