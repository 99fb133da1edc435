"""The page of a take: one file that needs nothing else, tells all, and is the same for the same take."""

import base64
import hashlib
import io
import json
import re
from collections.abc import Iterator
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import av
import matplotlib.image
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.v2m.drawn_take import STAGES_S, drawn_take, pictures, record_of
from v2m.audio import WavReader
from v2m.errors import DocumentError
from v2m.frames import Sheet
from v2m.hits import Hit
from v2m.report.axis import LEVELS, Axis
from v2m.report.film import Film
from v2m.report.listening import sound_rate_bps
from v2m.report.markup import markup, tag
from v2m.report.palette import COLORS
from v2m.report.png import paletted_png
from v2m.report.write import REPORT_NAME, stages_of, write_report, write_report_again
from v2m.take.pictures import read_pictures
from v2m.take.record import Fitted, Parent, Source, read_record
from v2m.tempo import TempoMap

HOSTILE = "\"><script>alert(1)</script> ' & \u202e\u05e9\u05dc\u05d5\u05dd \U0001f3ac </title>"


class Page(HTMLParser):
    """What a browser would make of a page: its elements with their attributes, and the text in each."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open = tag
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open, data))

    def named(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self) -> str:
        return "\n".join(data for tag, data in self.texts if tag not in ("script", "style"))


def page_of(folder: Path) -> Page:
    return Page((folder / REPORT_NAME).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn_take(tmp_path_factory.mktemp("looks") / "film.v2m", sheet=pictures(8))


def addresses(page: Page) -> Iterator[str]:
    for _, attributes in page.elements:
        for name in ("src", "href", "srcset", "poster", "data", "action", "background"):
            if name in attributes:
                yield attributes[name]


def test_nothing_outside_the_file_is_asked_for(take: Path) -> None:
    page = page_of(take)
    found = list(addresses(page))
    assert {address.partition(":")[0] for address in found if not address.startswith("#")} == {"data"}
    styles = "".join(data for tag, data in page.texts if tag == "style")
    assert "url(" not in styles
    assert "@import" not in styles
    assert not re.search(r"https?://", (take / REPORT_NAME).read_text(encoding="utf-8"))


def test_the_policy_allows_the_pages_own_style_and_script_and_no_others(take: Path) -> None:
    page = page_of(take)
    (policy,) = [m["content"] for m in page.named("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == rules["media-src"] == "data:"
    html = (take / REPORT_NAME).read_text(encoding="utf-8")
    for name, pattern in (("style-src", r"<style>(.*?)</style>"), ("script-src", r"<script>(.*?)</script>")):
        (text,) = re.findall(pattern, html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[name] == f"'sha256-{digest}'"
    assert not [attributes for _, attributes in page.elements if "style" in attributes]
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]


def test_every_lane_is_there_and_has_words_for_who_cannot_see_it(take: Path) -> None:
    lanes = [a for a in page_of(take).named("div") if "lane" in a.get("class", "").split()]
    kinds = [lane["class"].removeprefix("lane ") for lane in lanes]
    assert kinds == [
        "ruler", "strip", "curve", "hits", "errors", "beats", "wave", "spectrum", "roll p-drums",
        "roll p-lead",
    ]  # fmt: skip
    assert all(lane["role"] == "img" and len(lane["aria-label"]) > 20 for lane in lanes)


def test_all_that_the_record_holds_is_told(take: Path) -> None:
    text = page_of(take).text()
    for words in ("edit.otio", "lo-fi, 120 BPM", "01:00:02:00", "4 ms late", "60 ms early", "no onset near",
                  "One thing to know.", "adherence", "abababababab", "120 BPM", "sketch"):  # fmt: skip
        assert words in text
    assert "C:\\films" not in text  # where a file lay is nobody's business


def test_each_button_can_be_told_from_the_others(take: Path) -> None:
    buttons = page_of(take).named("button")
    assert all("aria-label" in button or button.get("class") == "seek" for button in buttons)
    (slider,) = [a for a in page_of(take).named("div") if a.get("role") == "slider"]
    assert slider["aria-valuemax"] == "8.00"


def test_whatever_people_wrote_stays_words(tmp_path: Path) -> None:
    hits = (Hit(f"marker {HOSTILE}", Fraction(1), "marker", 0.9, HOSTILE),)
    folder = drawn_take(
        tmp_path / "x.v2m", 4, hits=hits, prompt=HOSTILE, notes=(HOSTILE,), unknown_words=(HOSTILE,),
        sources=(Source(f"/films/{HOSTILE}", "ff" * 32),), settings={"prompt": HOSTILE, "soundfont": HOSTILE},
        parent=Parent(HOSTILE, "0" * 16), asked={"restyle": {"prompt": HOSTILE}},
    )  # fmt: skip
    page = page_of(folder)
    kinds = [attributes.get("type", "") for attributes in page.named("script")]
    assert kinds == ["application/json", "application/json", ""]
    assert len(page.named("title")) == 1 + 1  # the page's, and the one hit's
    assert page.text().count(HOSTILE) >= 6
    assert page.named("bdi")


def test_the_same_take_gives_the_same_bytes_but_for_the_times_of_its_making(
    take: Path, tmp_path: Path
) -> None:
    again = drawn_take(tmp_path / "again.v2m", sheet=pictures(8))
    first = (take / REPORT_NAME).read_bytes()
    assert (again / REPORT_NAME).read_bytes() == first
    write_report(again, read_record(again), {"render": 9.0}, read_pictures(again))
    made = re.compile(rb'<section class="card made">.*?</section>', re.DOTALL)
    second = (again / REPORT_NAME).read_bytes()
    assert second != first
    assert made.sub(b"", second) == made.sub(b"", first)


def test_a_report_that_is_made_again_is_the_same(take: Path, tmp_path: Path) -> None:
    folder = drawn_take(tmp_path / "lost.v2m", sheet=pictures(8))
    before = (folder / REPORT_NAME).read_bytes()
    assert stages_of(folder) == STAGES_S
    assert write_report_again(folder) == folder / REPORT_NAME
    assert (folder / REPORT_NAME).read_bytes() == before
    (folder / REPORT_NAME).unlink()
    write_report_again(folder)
    assert stages_of(folder) == {}
    assert "Stages" not in page_of(folder).text()


@pytest.mark.parametrize("junk", ["", '<script id="stages" type="application/json">{"read": [}</script>'])
def test_a_damaged_report_tells_no_times(tmp_path: Path, junk: str) -> None:
    (tmp_path / REPORT_NAME).write_text(junk)
    assert stages_of(tmp_path) == {}


def test_without_pictures_hits_notes_or_sound_there_is_still_a_page(tmp_path: Path) -> None:
    folder = drawn_take(
        tmp_path / "bare.v2m", 3, silent=True, hits=(), cuts=(), notes=(), sources=(), prompt="",
        curve={"rate_hz": 25.0, "values": [0.0] * 75, "encoder": "cuts", "kernel_s": 0.7},
        metrics={"sch": {"value": None, "tolerance_s": 0.1, "chance": 0.4}, "hits_heard": 1.0,
                 "hit_errors_s": {}, "curve_correlation": None},
    )  # fmt: skip
    page = page_of(folder)
    assert not [a for a in page.named("image") if a.get("id") == "sheet"]
    assert not [a for a in page.named("use")]
    assert "silent" in page.text()
    assert not [a for a in page.named("div") if "lane roll" in a.get("class", "")]
    assert "NaN" not in (folder / REPORT_NAME).read_text(encoding="utf-8")


def test_a_fitted_song_is_told_of_instead_of_words(tmp_path: Path) -> None:
    fitted = Fitted("song.mp3", HOSTILE, "cd" * 32, ((0.0, 12.0, 20.0),), ((0.0, 0.0), (8.0, 8.0)))
    metrics = {
        "sch": {"value": 0.9, "tolerance_s": 0.1, "chance": 0.4}, "hit_errors_s": {}, "hits_heard": 1.0,
        "curve_correlation": None, "song": {"tempo_bpm": 99.5, "clarity": 1.0}, "largest_stretch": 0.034,
        "unfitted_sch": 0.3,
    }  # fmt: skip
    folder = drawn_take(tmp_path / "fitted.v2m", 8, prompt="", fitted=fitted, metrics=metrics, terms=())
    text = page_of(folder).text()
    for words in ("The song", "99.5 BPM", "3.4% at most", "30% before", "0:12 \N{EN DASH} 0:20", HOSTILE):
        assert words in text
    assert "Taken for" not in text
    assert "Key" not in text.split("The song")[0].split()


def test_one_frame_is_enough(tmp_path: Path) -> None:
    folder = tmp_path / "short.v2m"
    curve = {"rate_hz": 25.0, "values": [0.0, 0.1], "encoder": "pixel", "kernel_s": 0.7}
    record = record_of(Fraction(1, 24), curve=curve, hits=(), cuts=(), tempo_map=TempoMap.steady(120, 1 / 24))
    drawn = drawn_take(folder, 1)
    write_report(drawn, record, {})
    assert page_of(drawn).named("audio")


@pytest.mark.slow
def test_ten_minutes_are_a_page_of_some_megabytes(tmp_path: Path) -> None:
    folder = drawn_take(tmp_path / "long.v2m", 600, sheet=pictures(600))
    assert (folder / REPORT_NAME).stat().st_size < 9e6


@given(st.floats(0.01, 14_400))
def test_the_sound_in_a_page_is_bounded(duration_s: float) -> None:
    rate_bps = sound_rate_bps(duration_s)
    assert 6_000 <= rate_bps <= 96_000
    assert rate_bps * duration_s / 8 <= max(5e6, 6_000 * duration_s / 8)


def test_the_sound_in_the_page_is_the_music(take: Path) -> None:
    (audio,) = page_of(take).named("audio")
    content = base64.b64decode(audio["src"].partition(",")[2])
    with av.open(io.BytesIO(content)) as container:
        pieces = [frame.to_ndarray() for frame in container.decode(audio=0)]
    heard = np.concatenate(pieces, axis=1)
    assert heard.shape == (2, 8 * 48_000)
    with WavReader(take / "music.wav") as music:
        original = music[0 : 8 * 48_000]
    assert np.corrcoef(heard[0], original[:, 0])[0, 1] > 0.98


def test_the_script_is_told_where_everything_is(take: Path) -> None:
    html = (take / REPORT_NAME).read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(
        re.findall(r'<script id="take" type="application/json">(.*?)</script>', html)[0]
    )
    assert data["hits"] == [2.0, 4.0, 6.0]
    assert data["rate"] == [24, 1]
    assert len(data["pictures"]["times"]) == len(data["pictures"]["places"]) == 32


def test_a_damaged_score_is_named(take: Path, tmp_path: Path) -> None:
    folder = drawn_take(tmp_path / "broken.v2m", 2)
    (folder / "score.mid").write_bytes(b"no MIDI")
    with pytest.raises(DocumentError, match=r"score\.mid"):
        write_report_again(folder)


@given(st.text(), st.text())
def test_no_text_becomes_markup(words: str, value: str) -> None:
    page = Page(tag("p", words, title=value))
    assert [name for name, _ in page.elements] == ["p"]
    normal = words.replace("\r\n", "\n").replace("\r", "\n")
    assert "".join(data for _, data in page.texts).replace("\r\n", "\n").replace("\r", "\n") == normal
    assert markup(markup(words)) == markup(words)


@given(st.floats(0.05, 15_000))
def test_ticks_are_even_and_do_not_crowd(duration_s: float) -> None:
    ticks = Axis(duration_s).ticks()
    for level in LEVELS:
        times_s = [time_s for time_s, levels in ticks.items() if level in levels]
        assert times_s[0] == 0
        assert len(times_s) <= 12 * level + 1
        assert np.ptp(np.diff(times_s)) < 1e-6 if len(times_s) > 2 else True


def luminance(color: str) -> float:
    channels = np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("index", [0, 1])
def test_words_and_marks_stand_out_by_day_and_by_night(index: int) -> None:
    grounds = [COLORS[name][index] for name in ("paper", "card", "lane", "faint")]
    for name in ("ink", "quiet"):
        assert min(contrast(COLORS[name][index], ground) for ground in grounds) >= 4.5, name
    words = ("accent", "good", "fair", "poor")
    marks = [name for name in COLORS if name.startswith(("k-", "p-"))] + ["seen", "heard", "tempo", "cursor"]
    for name in words:
        assert contrast(COLORS[name][index], COLORS["card"][index]) >= 4.5, name
    for name in marks:
        assert contrast(COLORS[name][index], COLORS["lane"][index]) >= 3, name


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_pictures_in_few_colours_read_back(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    palette = [(int(r), int(g), int(b), 255) for r, g, b in rng.integers(0, 256, (7, 3))]
    indices = rng.integers(0, 7, (height, width)).astype(np.uint8)
    read = matplotlib.image.imread(io.BytesIO(paletted_png(indices, palette)), format="png")
    assert np.array_equal(np.rint(read * 255).astype(int)[..., :3], np.array(palette)[indices][..., :3])


@given(st.lists(st.floats(0.3, 20), min_size=1, max_size=12), st.integers(1, 60))
def test_each_shot_that_has_room_begins_with_a_picture_of_its_own(
    lengths_s: list[float], across: int
) -> None:
    bounds_s = [0.0, *np.cumsum(lengths_s).tolist()]
    sheet = Sheet(tuple(np.arange(0, bounds_s[-1], 0.25).round(3).tolist()), 1.0, b"")
    film = Film.of(sheet, bounds_s)
    width_s = bounds_s[-1] / across
    chosen = film.chosen(width_s, 0.25 * width_s)
    starts_s = film.starts_s[chosen]
    assert chosen[0] == 0
    assert list(starts_s) == sorted(starts_s)
    assert (np.diff(starts_s) >= 0.25 * width_s - 1e-9).all()
    for begin_s, length_s in zip(bounds_s[:-1], lengths_s, strict=True):
        earlier = starts_s[starts_s < begin_s - 1e-9]
        if not len(earlier) or begin_s - earlier[-1] > 0.25 * width_s + 1e-9:
            assert np.isclose(starts_s, begin_s).any(), (begin_s, length_s)
