"""Other editors' documents: read whole, or one sentence that says why not; adapters leak nothing."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from v2m_otio.exchange import edl
from v2m_otio.exchange.foreign import AdapterError, call_adapter
from v2m_otio.read import read_document

from v2m.errors import DocumentError, V2MError
from v2m.timebase import frame_to_timecode

EDL = """TITLE: TEST
FCM: {counting}
001  A001     V     C        {first} {second} {start} {middle}
* FROM CLIP NAME: one
002  A002     V     C        {first} {second} {middle} {end}
* FROM CLIP NAME: two
"""


def an_edl(rate: Fraction, start: int, *, drop_frame: bool = False, colons: bool = False) -> str:
    def shown(frame: int) -> str:
        code = frame_to_timecode(frame, rate, drop_frame=drop_frame)
        return code.replace(";", ":") if colons else code

    length = 2 * round(rate) - 1  # so that the highest frame number is seen
    return EDL.format(
        counting="DROP FRAME" if drop_frame else "NON-DROP FRAME",
        first=shown(0), second=shown(length), start=shown(start), middle=shown(start + length),
        end=shown(start + 2 * length),
    )  # fmt: skip


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    def written(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return written


# --- EDL ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [24, 25, 30, 50, 60])
def test_an_edl_tells_its_rate_by_its_highest_frame_number(rate: int) -> None:
    told = edl.understood(an_edl(Fraction(rate), 3600 * rate).encode())
    assert (told.rate, told.zero_frame, told.drop_frame) == (rate, 3600 * rate, False)
    assert "--frame-rate" in told.notes[0]


@pytest.mark.parametrize("colons", [True, False])
@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(60000, 1001)])
def test_drop_frame_tells_a_rate_of_1001_however_it_is_spelled(rate: Fraction, colons: bool) -> None:
    start = round(3600 * rate)
    told = edl.understood(an_edl(rate, start, drop_frame=True, colons=colons).encode())
    assert (told.rate, told.zero_frame, told.drop_frame) == (rate, start, True)
    assert told.text.count(";") == 8


@given(
    rate=st.sampled_from(["24000/1001", "24", "25", "30000/1001", "50", "60000/1001"]).map(Fraction),
    start=st.integers(0, 10**6),
)
def test_the_rate_that_the_user_says_holds(rate: Fraction, start: int) -> None:
    text = an_edl(rate, start)
    assert edl.understood(text.encode(), rate).zero_frame == start
    assert edl.understood(f"* FRAME RATE: {rate}\n{text}".encode()).rate == rate


def test_a_rate_that_the_timecodes_contradict_is_told() -> None:
    with pytest.raises(DocumentError, match="24 frames a second does not have"):
        edl.understood(an_edl(Fraction(25), 0).encode(), Fraction(24))


def test_an_edl_keeps_its_record_timecode(written: Callable[..., Path]) -> None:
    timeline = read_document(written("a.edl", an_edl(Fraction(25), 90000))).timeline
    assert (timeline.rate, timeline.start_frame) == (25, 90000)
    assert [float(cut.time_s * 25) for cut in timeline.cuts] == [49]
    assert [shot.name for shot in timeline.shots] == ["one", "two"]
    slow = read_document(written("b.edl", an_edl(Fraction(24), 86400)), rate=Fraction(24000, 1001)).timeline
    assert (slow.rate, slow.start_frame) == (Fraction(24000, 1001), 86400)


def test_lengths_that_disagree_are_read_and_told(written: Callable[..., Path]) -> None:
    text = an_edl(Fraction(25), 0).replace("00:00:01:24 00:00:00:00", "00:00:01:20 00:00:00:00", 1)
    timeline = read_document(written("a.edl", text)).timeline
    assert any("source's length was taken" in note for note in timeline.notes)


# --- what cannot be read --------------------------------------------------------------------------

FCPXML = """<fcpxml version="1.8"><resources><format id="r1" frameDuration="{duration}"/>
<asset id="r2" name="a" src="file:///a.mov" start="0s" duration="10s" format="r1" hasVideo="1"/></resources>
<project name="p"><sequence format="r1" duration="2s"><spine>
<asset-clip name="a" ref="r2" offset="0s" duration="2s" start="0s" format="r1"/></spine></sequence></project>
</fcpxml>"""
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><xmeml><sequence>&b;</sequence></xmeml>'


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.edl", "TITLE: X\n", "no event"),
        ("a.edl", an_edl(Fraction(25), 0).replace(":24", ":77"), "frame number 77"),
        ("a.edl", b"\0" * 50, "no event"),
        ("a.xml", "<xmeml>", "not readable as XML"),
        ("a.xml", "<html/>", "'html'"),
        ("a.xml", "<xmeml version='4'/>", "No top-level sequences"),
        ("a.xml", BOMB, "entities"),
        ("a.xml", BOMB.encode("utf-16"), "entities"),
        ("a.fcpxml", FCPXML.format(duration="1001/24000s"), "1001/24000s"),
        ("a.aaf", b"not an AAF", "not understood"),
        ("a.kdenlive", "<xmeml/>", "Kdenlive project"),
        ("a.kdenlive", "<mlt/>", "not understood"),
        ("a.mlt", "<mlt/>", "MLT project"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(
    written: Callable[..., Path], name: str, content: str | bytes, said: str
) -> None:
    with pytest.raises(DocumentError) as caught:
        read_document(written(name, content))
    assert said in caught.value.message
    assert caught.value.message.startswith("a.")
    assert "\n" not in caught.value.sentence()
    assert caught.value.hint


def test_a_project_of_final_cut_at_a_whole_rate_is_read(written: Callable[..., Path]) -> None:
    timeline = read_document(written("a.fcpxml", FCPXML.format(duration="1/25s"))).timeline
    assert (timeline.rate, timeline.duration_s) == (25, 2)


@pytest.mark.slow
def test_every_real_document_reads_or_says_why(media_dir: Path) -> None:
    read, refused = {}, {}
    for path in sorted((media_dir / "timelines").iterdir()):
        if path.suffix in (".mov", ".otio"):
            continue
        try:
            read[path.name] = read_document(path).timeline
        except DocumentError as error:
            refused[path.name] = error.message
    assert set(refused) == {
        "DR_Audio_Levels.aaf", "MC_TC_23.976.aaf", "MC_TC_29.97_DF.aaf", "PR_Fades.aaf",  # sound alone
        "fcpx_example.fcpxml",  # a library of two projects
    }  # fmt: skip
    assert all(said.startswith(name) and said.count(".") >= 2 for name, said in refused.items())
    assert len(read) == 22
    assert read["df_cmx3600.edl"].rate == Fraction(30000, 1001)
    assert read["df_cmx3600.edl"].drop_frame
    assert frame_to_timecode(107892, Fraction(30000, 1001), drop_frame=True) == "01:00:00;00"
    assert read["df_cmx3600.edl"].start_frame == 107892
    assert read["25fps.edl"].rate == 25
    assert (len(read["STP_R1_v082517.edl"].shots), read["STP_R1_v082517.edl"].start_frame) == (252, 86400)
    assert len([cut for cut in read["dissolve_test_4.edl"].cuts if cut.kind == "dissolve"]) == 2
    assert (read["hiero_xml_export.xml"].rate, read["hiero_xml_export.xml"].start_frame) == (24, 86400)
    assert read["2997fps-DFTC.aaf"].rate == Fraction(30000, 1001)


# --- the process of an adapter --------------------------------------------------------------------


@pytest.mark.slow
def test_an_adapters_words_and_plugins_stay_in_its_process(tmp_path: Path, media_dir: Path) -> None:
    """The Kdenlive adapter prints on stdout, the AAF one warns; a manifest of the user's is not loaded."""
    (tmp_path / "hook.py").write_text("raise SystemExit('the hook ran')")
    manifest = tmp_path / "manifest.json"
    manifest.write_text(
        '{"OTIO_SCHEMA": "PluginManifest.1", "hook_scripts": [{"OTIO_SCHEMA": "HookScript.1", "name": "x",'
        ' "filepath": "hook.py"}], "hooks": {"otio_aaf_pre_read_transcribe": ["x"]}}'
    )
    script = "import sys; from pathlib import Path; from v2m_otio.read import read_document\n"
    script += "for name in sys.argv[1:]: read_document(Path(name))"
    files = [
        str(media_dir / "timelines" / name) for name in ("kdenlive_example_v221170.kdenlive", "simple.aaf")
    ]
    done = subprocess.run(
        [sys.executable, "-c", script, *files], capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "OTIO_PLUGIN_MANIFEST_PATH": str(manifest)},
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_adapter_that_raises_says_what() -> None:
    with pytest.raises(AdapterError, match="No top-level sequences"):
        call_adapter("read", "fcp7", b"<xmeml/>")


def test_an_adapter_that_is_not_installed_is_told_with_what_to_type(
    written: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "aaf2.py").write_text("raise ImportError('no aaf2')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(V2MError) as caught:
        read_document(written("a.aaf", b"x"))
    assert caught.value.code == "missing_part"
    assert "otio-aaf-adapter" in caught.value.message
    assert 'pip install "v2m[editors]"' in caught.value.hint


@pytest.mark.slow
def test_an_adapter_that_hangs_is_given_up(
    written: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "aaf2.py").write_text("import time; time.sleep(600)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr("v2m_otio.exchange.foreign.TIMEOUT_S", 1)
    with pytest.raises(DocumentError, match="given up"):
        read_document(written("a.aaf", b"x"))


def test_bytes_changed_at_random_are_refused_or_read(written: Callable[..., Path], media_dir: Path) -> None:
    rng = random.Random(7)  # noqa: S311 - for tests
    for name in ("avid_example.edl", "hiero_xml_export.xml"):
        raw = (media_dir / "timelines" / name).read_bytes()
        for _ in range(4):
            broken = bytearray(raw)
            for _ in range(5):
                broken[rng.randrange(len(raw))] = rng.randrange(256)
            with contextlib.suppress(V2MError):
                read_document(written(name, bytes(broken)))
