"""A programme looked at: what is seen, what is known, and what is said where nothing can be seen."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from v2m.analysis import CURVE_RATE_HZ, analyze, analyze_video
from v2m.errors import CancelledError, MediaError, UsageError
from v2m.timeline import Cut, Marker, Media, Shot, Timeline

RATE = Fraction(24)
FRAMES = 144
LOOKS = 3


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of three looks of two seconds, each with something that moves a little."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    looks = np.random.default_rng(5).integers(40, 220, (LOOKS, 9, 16, 3), dtype=np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"preset": "ultrafast", "crf": "12"})
        stream.width, stream.height, stream.pix_fmt = 96, 54, "yuv420p"
        for number in range(FRAMES):
            picture = looks[number * LOOKS // FRAMES].repeat(6, 0).repeat(6, 1)
            picture[24:30, number // 2 : number // 2 + 6] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def programme(path: Path | None, *markers: Marker, cuts: tuple[int, ...] = (48, 96)) -> Timeline:
    """The film from its beginning to its end, cut where its look changes."""
    bounds = [0, *cuts, FRAMES]
    shots = tuple(
        Shot(a / RATE, (b - a) / RATE, Media("film.mp4", path, "was not found"), a / RATE)
        for a, b in pairwise(bounds)
    )
    return Timeline(
        RATE, FRAMES / RATE, shots, tuple(Cut(cut / RATE) for cut in cuts), markers, notes=("First.",)
    )


def test_the_picture_and_the_cuts_make_the_curve_and_the_hits(film: Path) -> None:
    seen = analyze(programme(film))
    assert (seen.encoder, seen.curve.rate_hz) == ("pixel", CURVE_RATE_HZ)
    assert len(seen.curve.values) == 6 * CURVE_RATE_HZ
    assert [hit.kind for hit in seen.hits] == ["cut", "cut", "end"]
    assert seen.curve.at([2.0, 4.0]).min() > 1 > 0 > seen.curve.at([1.0, 3.0, 5.0]).max()
    assert seen.notes == ("First.",)


def test_a_marked_moment_raises_the_curve_though_the_picture_goes_on(film: Path) -> None:
    marker = Marker("m", Fraction(5), color="RED")
    plain, marked = analyze(programme(film)), analyze(programme(film, marker))
    assert marked.curve.at([5.0])[0] > plain.curve.at([5.0])[0] + 0.5
    assert any(hit.id == "m" for hit in marked.hits)


def test_a_marker_on_a_cut_is_one_event(film: Path) -> None:
    marker = Marker("m", Fraction(2), color="RED")
    plain, marked = analyze(programme(film)), analyze(programme(film, marker))
    np.testing.assert_array_equal(marked.curve.values, plain.curve.values)


@pytest.mark.parametrize("cuts", [(48, 96), ()])
def test_without_a_picture_the_cuts_serve_alone(cuts: tuple[int, ...]) -> None:
    seen = analyze(programme(None, cuts=cuts))
    assert seen.encoder == "cuts"
    assert seen.notes[0] == "First."
    assert seen.notes[-1] == "No picture could be read, so the music follows the cuts alone."
    assert len(set(seen.notes)) == len(seen.notes)
    assert [hit.kind for hit in seen.hits] == ["cut"] * len(cuts) + ["end"]
    if cuts:
        assert seen.curve.at([2.0, 4.0]).min() > 1 > 0 > seen.curve.at([1.0, 3.0, 5.0]).max()
    else:
        assert not seen.curve.values.any()


def test_a_render_is_looked_at_in_place_of_the_media(film: Path, tmp_path: Path) -> None:
    direct, rendered = analyze(programme(film)), analyze(programme(None), picture=film)
    assert rendered.encoder == "pixel"
    np.testing.assert_allclose(rendered.curve.values, direct.curve.values, atol=1e-6)
    with pytest.raises(MediaError, match=r"gone\.mp4"):
        analyze(programme(film), picture=tmp_path / "gone.mp4")


def test_a_plain_video_is_analysed_as_the_timeline_that_it_makes(film: Path) -> None:
    whole = analyze_video(film)
    assert [cut.time_s for cut in whole.timeline.cuts] == [2, 4]
    again = analyze(whole.timeline)
    np.testing.assert_allclose(whole.curve.values, again.curve.values, atol=1e-6)
    assert whole.hits == again.hits


def test_an_excerpt_is_analysed_by_itself(film: Path) -> None:
    part = analyze(programme(film).excerpt(Fraction(1), Fraction(3)))
    assert len(part.curve.values) == 2 * CURVE_RATE_HZ
    assert part.curve.times_s[part.curve.values.argmax()] == pytest.approx(1.0, abs=0.05)


def test_progress_rises_to_the_end_and_a_wider_kernel_is_smoother(film: Path) -> None:
    told: list[float] = []
    sharp = analyze(programme(film), on_progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    wide = analyze(programme(film), kernel_s=2.0)
    assert np.abs(np.diff(wide.curve.values)).max() < np.abs(np.diff(sharp.curve.values)).max()


def test_cancelling_and_an_unknown_encoder_stop_it(film: Path) -> None:
    def stop() -> None:
        raise CancelledError("Cancelled.")

    for looked_at in (analyze, lambda timeline, **options: analyze_video(film, **options)):
        with pytest.raises(CancelledError):
            looked_at(programme(film), cancel=stop)
        with pytest.raises(UsageError, match="expected one of pixel"):
            looked_at(programme(film), encoder="eyes")
