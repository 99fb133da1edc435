"""The page of a take in a real browser: it plays, goes where it is told, shows it, and asks nobody anything.

Where no Chromium is found these tests are skipped; see `browser` in `conftest.py`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.v2m.drawn_take import drawn_take, pictures
from v2m.report.write import REPORT_NAME

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

DURATION_S = 8
PATIENCE_MS = 60_000
"""A busy machine is slow."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browser") / "film.v2m"
    return drawn_take(folder, DURATION_S, sheet=pictures(DURATION_S)) / REPORT_NAME


@dataclass
class Visit:
    """A page that is open, and all that it did beside showing."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def script(self, text: str) -> Any:
        return self.page.evaluate(text)

    @property
    def position_s(self) -> float:
        return float(self.script("document.getElementById('sound').currentTime"))

    @property
    def cursor(self) -> float:
        """Where the cursor stands: its share of the lanes' width."""
        box, lanes = self.page.locator(".cursor").bounding_box(), self.page.locator("#tracks").bounding_box()
        assert box is not None
        assert lanes is not None
        return (box["x"] + box["width"] / 2 - lanes["x"]) / lanes["width"]

    def until(self, condition: str) -> None:
        # the page's policy forbids the browser to poll for us, which takes an eval
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while not self.script(condition):
            assert time.monotonic() < deadline, f"never came true: {condition}"
            self.page.wait_for_timeout(20)

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)


@pytest.fixture
def visit(browser: Browser, report: Path) -> Iterator[Visit]:
    context = browser.new_context(color_scheme="light", viewport={"width": 1320, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    seen = Visit(context.new_page())
    seen.page.on("request", lambda request: seen.requests.append(request.url))
    seen.page.on("console", lambda message: seen.complaints.append(f"{message.type}: {message.text}"))
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.goto(report.as_uri())
    seen.until("document.getElementById('sound').readyState >= 1")
    yield seen
    assert [url for url in seen.requests if not url.startswith("data:")] == [report.as_uri()]
    assert seen.complaints == []
    context.close()


def test_it_opens_at_the_start_with_the_whole_sound(visit: Visit) -> None:
    assert visit.position_s == 0
    assert visit.cursor == pytest.approx(0, abs=0.002)
    assert visit.script("document.getElementById('sound').duration") == pytest.approx(DURATION_S, abs=0.05)
    assert visit.page.locator("#timecode").inner_text() == "01:00:00:00"
    assert visit.page.locator("#bar").inner_text() == "bar 1.1"


def test_playing_moves_the_cursor_and_the_picture_until_it_is_paused(visit: Visit) -> None:
    first = visit.page.locator("#monitor").get_attribute("viewBox")
    visit.page.locator("#play").click()
    visit.until("document.getElementById('sound').currentTime > 0.6")
    visit.until("parseFloat(document.querySelector('.cursor').style.left) > 5")
    assert visit.page.locator("#monitor").get_attribute("viewBox") != first
    visit.press("k")
    visit.until("document.getElementById('sound').paused")
    stood = visit.position_s
    assert visit.cursor == pytest.approx(stood / DURATION_S, abs=0.01)
    visit.page.wait_for_timeout(300)
    assert visit.position_s == stood


def test_a_click_on_any_lane_goes_there(visit: Visit) -> None:
    lanes = ("ruler", "strip", "curve", "hits", "errors", "beats", "wave", "spectrum", "roll.p-drums")
    for number, lane in enumerate(lanes, start=1):
        share = number / 16
        shown = visit.page.locator(f".lane.{lane}")
        shown.scroll_into_view_if_needed()
        box = shown.bounding_box()
        assert box is not None
        visit.page.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
        visit.until(f"Math.abs(document.getElementById('sound').currentTime - {share * DURATION_S}) < 0.02")
        assert visit.cursor == pytest.approx(share, abs=0.003), lane


def test_a_row_of_the_hits_goes_to_its_hit(visit: Visit) -> None:
    visit.page.locator("button.seek").nth(1).click()
    visit.until("document.getElementById('sound').currentTime > 3")
    assert visit.position_s == pytest.approx(4, abs=1e-3)
    assert visit.page.locator("#timecode").inner_text() == "01:00:04:00"


def test_the_keyboard_does_what_the_page_says(visit: Visit) -> None:
    for key, expected_s in (
        ("n", 2), ("n", 4), ("p", 2), ("ArrowRight", 3), ("ArrowLeft", 2), (".", 2 + 1 / 24), (",", 2),
        ("Shift+ArrowRight", 2 + 1 / 24), ("End", DURATION_S), ("Home", 0), ("ArrowLeft", 0),
    ):  # fmt: skip
        visit.press(key)
        visit.until(f"Math.abs(document.getElementById('sound').currentTime - {expected_s}) < 0.002")
        assert visit.cursor == pytest.approx(expected_s / DURATION_S, abs=0.002), key
    visit.press(" ")
    visit.until("!document.getElementById('sound').paused")
    visit.press(" ")
    visit.until("document.getElementById('sound').paused")


def test_running_through_forth_and_back(visit: Visit) -> None:
    visit.press("l")
    visit.press("l")
    visit.until(
        "document.getElementById('sound').playbackRate === 2 && !document.getElementById('sound').paused"
    )
    visit.until("document.getElementById('sound').currentTime > 0.5")
    visit.press("k")
    visit.press("j")
    visit.until(
        "document.getElementById('sound').currentTime === 0 && document.getElementById('sound').paused"
    )
    assert not visit.script("document.body.classList.contains('playing')")


def test_it_stops_at_the_end_and_begins_again(visit: Visit) -> None:
    visit.press("End")
    visit.press("ArrowLeft")
    visit.press("l")
    visit.until("document.getElementById('sound').ended")
    visit.until("!document.body.classList.contains('playing')")
    assert visit.cursor == pytest.approx(1, abs=0.005)
    visit.press("l")
    visit.until(
        "document.getElementById('sound').currentTime < 7 && !document.getElementById('sound').paused"
    )


def test_magnifying_keeps_the_cursor_in_sight_and_clicks_true(visit: Visit) -> None:
    visit.press("n")
    visit.press("n")
    for _ in range(3):
        visit.press("+")
    assert visit.page.locator("#zoom").inner_text() == "8×"  # noqa: RUF001 - as the page writes it
    box, sight = visit.page.locator(".cursor").bounding_box(), visit.page.locator("#scroll").bounding_box()
    assert box is not None
    assert sight is not None
    assert sight["x"] <= box["x"] <= sight["x"] + sight["width"]
    assert visit.cursor == pytest.approx(0.5, abs=0.001)
    visit.page.mouse.click(sight["x"] + sight["width"] / 2, sight["y"] + 150)
    assert abs(visit.cursor * DURATION_S - visit.position_s) < 0.01
    visit.press("-")
    assert visit.page.locator("#zoom").inner_text() == "4×"  # noqa: RUF001


def test_light_and_dark_as_the_system_is_and_as_the_reader_says(visit: Visit) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light = visit.script(ground)
    visit.page.emulate_media(color_scheme="dark")
    dark = visit.script(ground)
    assert dark != light
    visit.press("t")
    assert visit.script(ground) == light
    visit.page.locator("#theme").click()
    assert visit.script(ground) == dark
    visit.page.emulate_media(color_scheme="light")
    assert visit.script(ground) == dark
    visit.page.emulate_media(media="print")
    assert visit.script(ground) == "rgb(255, 255, 255)"
    assert not visit.page.locator(".player").is_visible()
    assert visit.page.locator(".lane.wave").is_visible()


def test_everything_can_be_reached_by_the_tab_key_and_shows_it(visit: Visit) -> None:
    reached = []
    for _ in range(12):
        visit.press("Tab")
        reached.append(
            visit.script(
                "(() => { const a = document.activeElement; const s = getComputedStyle(a);"
                " return [a.id || a.className, s.outlineStyle]; })()"
            )
        )
    assert [name for name, _ in reached[:8]] == [
        "before", "play", "next", "volume", "wider", "closer", "theme", "cursor",
    ]  # fmt: skip
    assert all(outline != "none" for _, outline in reached)


def test_a_phone_shows_it_without_scrolling_sideways(visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 390, "height": 800})
    assert visit.script("document.documentElement.scrollWidth <= innerWidth")
    assert visit.page.locator("#play").is_visible()
