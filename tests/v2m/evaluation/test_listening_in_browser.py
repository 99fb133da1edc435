"""The listening test in a real browser: heard, answered by keyboard, gone on with, and blind to the end.

Where no Chromium is found these tests are skipped; see `browser` in the folder above.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from v2m.evaluation.listening.server import ListeningServer
from v2m.evaluation.listening.trials import make_test
from v2m.evaluation.listening.votes import read_votes
from v2m.evaluation.report import write_report
from v2m.evaluation.run import PeerResults, Results

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

PATIENCE_MS = 60_000
"""A busy machine is slow."""

Make = Callable[..., Path]


@pytest.fixture
def server(tmp_path: Path, film: Make, clicks: Make) -> Iterator[ListeningServer]:
    for name in ("forest", "harbour"):
        film(tmp_path / "videos" / f"{name}.mp4", (0.5,), 1.0)
        clicks(tmp_path / "ours" / f"{name}.wav", [0.5], 1.0)
        clicks(tmp_path / "vidmuse" / f"{name}.wav", [0.3], 1.0)
    peers = {"vidmuse": tmp_path / "vidmuse"}
    make_test(tmp_path / "test", tmp_path / "videos", ("ours", tmp_path / "ours"), peers)
    with ListeningServer(tmp_path / "test") as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@dataclass
class Visit:
    """A page that is open, and what it did beside showing."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def until(self, condition: str) -> None:
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while not self.page.evaluate(condition):
            assert time.monotonic() < deadline, f"never came true: {condition}"
            self.page.wait_for_timeout(20)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    @property
    def place(self) -> str:
        return self.page.locator("#place").inner_text()


@pytest.fixture
def visit(browser: Browser, server: ListeningServer) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 1000, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    seen = Visit(context.new_page())
    seen.page.on("request", lambda request: seen.requests.append(request.url))
    seen.page.on("console", lambda message: seen.complaints.append(f"{message.type}: {message.text}"))
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.goto(server.address)
    seen.until("document.getElementById('place').textContent !== ''")
    yield seen
    ours = f"http://127.0.0.1:{server.server_port}/"
    assert [url for url in seen.requests if not url.startswith((ours, "data:"))] == []
    assert seen.complaints == []
    context.close()


PLAYS = "document.getElementById('{0}').currentTime > 0 && document.getElementById('{0}').duration > 0.9"


def hear_both(visit: Visit) -> None:
    for key, side in (("a", "left"), ("b", "right")):
        visit.press(key)
        visit.until(PLAYS.format(side))
        visit.until("document.getElementById('video').currentTime > 0")


def test_questions_open_when_both_were_heard_and_answers_are_kept(
    visit: Visit, server: ListeningServer
) -> None:
    assert visit.place == "1 of 2"
    assert visit.page.locator("#quality-left").is_disabled()
    visit.press("1")
    assert visit.page.locator("#told").inner_text() == "Please listen to both first."
    hear_both(visit)
    visit.press("1", "4")
    assert visit.page.locator("#quality-left").get_attribute("aria-pressed") == "true"
    assert visit.page.locator("#sync-right").get_attribute("aria-pressed") == "true"
    visit.press("Enter")
    visit.until("document.getElementById('place').textContent === '2 of 2'")
    (vote,) = read_votes(server.folder)
    assert (vote.quality, vote.sync) == ("left", "right")


def test_only_one_sounds_at_a_time_and_both_begin_at_the_beginning(visit: Visit) -> None:
    visit.press("a")
    visit.until(PLAYS.format("left"))
    visit.press("b")
    visit.until(PLAYS.format("right"))
    assert visit.page.evaluate("document.getElementById('left').paused") is True
    visit.press("Space")
    assert visit.page.evaluate("document.getElementById('video').paused") is True
    assert visit.page.evaluate("document.getElementById('right').paused") is True


def test_a_listener_goes_on_where_they_were_and_comes_to_an_end(
    visit: Visit, server: ListeningServer
) -> None:
    hear_both(visit)
    visit.press("2", "3", "Enter")
    visit.until("document.getElementById('place').textContent === '2 of 2'")
    visit.page.reload()
    visit.until("document.getElementById('place').textContent === '2 of 2'")
    hear_both(visit)
    for button in ("#quality-right", "#sync-left", "#next"):
        visit.page.locator(button).click()
    visit.until("document.body.classList.contains('done')")
    assert visit.page.locator("#done").is_visible()
    assert not visit.page.locator("main").is_visible()
    assert len(read_votes(server.folder)) == 2
    assert len({vote.listener for vote in read_votes(server.folder)}) == 1


def test_the_page_never_says_who_made_what(visit: Visit) -> None:
    hear_both(visit)
    text = visit.page.content() + " ".join(visit.requests)
    for name in ("ours", "vidmuse", "forest", "harbour"):
        assert name not in text


def test_the_report_of_an_evaluation_shows_its_plots_and_asks_nobody(
    browser: Browser, tmp_path: Path
) -> None:
    score = {"value": 0.5, "hits": 2, "cuts": 4, "chance": 0.4, "tolerance_s": 0.1}
    rows = tuple({"clip": name, "sch": dict.fromkeys(("50", "70", "100", "200"), score)} for name in "ab")
    peers = {"sketch": PeerResults(rows), "vidmuse": PeerResults(rows)}
    html, _ = write_report(tmp_path, Results("oes-pub", "OES <Pub>", 2, "SongDescriber", {}, peers))
    page = browser.new_page()
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    page.on("console", lambda message: seen.append(message.text))
    page.goto(html.as_uri())
    assert page.locator("h1").inner_text() == "OES <Pub>: 2 clips"
    assert page.locator("circle.published").count() == 11  # rows with SCH on this benchmark
    assert page.locator("circle.measured").count() == 2
    box = page.locator("svg.plot").first.bounding_box()
    assert box is not None
    assert box["width"] > 300
    assert [url for url in seen if not url.startswith("data:")] == [html.as_uri()]
    page.close()
