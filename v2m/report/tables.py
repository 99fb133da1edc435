"""The tables of the page: figures, words understood, hits, settings, stages, what went in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import PurePath, PureWindowsPath
from typing import Final

from v2m.hits import Hit
from v2m.report.axis import minutes
from v2m.report.beats_lane import told_tempo
from v2m.report.contents import Contents
from v2m.report.hits_lane import grade, told_error
from v2m.report.markup import Content, Markup, tag
from v2m.timebase import frame_to_timecode, seconds_to_frame

_KEYS: Final = ("C", "D♭", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")

_MOST_ROWS: Final = 1000
"""Hits in the table: an hour of them, and no page that a browser labours at."""

_DIGEST_DIGITS: Final = 12


def card(title: str, *content: Content, kind: str = "") -> Markup:
    """A titled part of the page."""
    return tag("section", tag("h2", title), *content, class_=f"card {kind}".strip())


def bare_name(path: str) -> str:
    """The file's name, whatever system the path is of; where it lay is nobody's business."""
    return PureWindowsPath(path).name if "\\" in path else PurePath(path).name


def figures(contents: Contents) -> Markup:
    """The few numbers that say how it went."""
    record, metrics = contents.record, contents.record.metrics
    told: list[tuple[str, str, str]] = [
        ("Hits heard", _share(metrics.get("hits_heard")), "heavy ones, within a frame"),
    ]
    sch = metrics.get("sch") or {}
    if sch.get("value") is not None:
        told.append(
            ("Cuts on beats", _share(sch["value"]), f"within 100 ms; {_share(sch['chance'])} by chance")
        )
    told.append(("Curves agree", _number(metrics.get("curve_correlation")), "picture and music, -1 to 1"))
    told.append(("Tempo", told_tempo(record.tempo_map), f"BPM, {record.tempo_map.beats_per_bar} a bar"))
    if record.fitted is None and record.sound is None:
        told.append(("Key", _key(contents), "of the whole piece"))
    told.append(("Length", minutes(contents.duration_s), f"min:s at {_rate(record.frame_rate)} fps"))
    return tag("dl", (_figure(*each) for each in told), class_="figures")


def _figure(name: str, value: str, note: str) -> Markup:
    return tag("div", tag("dt", name), tag("dd", value, class_="value"), tag("dd", note, class_="note"))


def _share(value: float | None) -> str:
    return "\N{EN DASH}" if value is None else f"{value:.0%}"


def _number(value: float | None) -> str:
    return "\N{EN DASH}" if value is None else f"{value:.2f}"


def _rate(rate: Fraction) -> str:
    return f"{float(rate):.3f}".rstrip("0").rstrip(".")


def _key(contents: Contents) -> str:
    mode = "".join(contents.brief.named("mode")[:1])
    return f"{_KEYS[contents.record.tonic % 12]} {mode}".strip()


def words(contents: Contents) -> Markup:
    """What was asked, and what was understood of it; a song that is fitted was asked for nothing."""
    if contents.record.fitted is not None:
        return Markup("")
    brief, record = contents.brief, contents.record
    if record.sound is not None:
        return card("Words", tag("h3", "What the model was told"), tag("p", _own(record.sound.words)))
    near = dict(brief.suggestions)
    rows: list[Content] = [
        tag("tr", tag("td", _own(phrase)), tag("td", meaning)) for phrase, meaning in brief.understood
    ]
    for word in record.unknown_words:
        hint = f"not understood; {near[word]}?" if word in near else "not understood"
        rows.append(tag("tr", tag("td", _own(word)), tag("td", hint), class_="unknown"))
    found = _table(("Said", "Taken for"), rows) if rows else tag("p", "No word of it was understood.")
    chips = tag("p", [tag("span", term, class_="chip") for term in record.terms], class_="chips")
    told = [tag("h3", "What the model was told"), chips] if record.terms else []
    return card("Words", found, told)


def song(contents: Contents) -> Markup:
    """Of a fitted take: the song, and the parts of it that are played, in their order."""
    fitted = contents.record.fitted
    if fitted is None:
        return Markup("")
    metrics = contents.record.metrics
    told = {"song": fitted.name, "known as": fitted.sha256[:_DIGEST_DIGITS]}
    if "song" in metrics:
        told["its tempo"] = f"{metrics['song']['tempo_bpm']:g} BPM"
    if "largest_stretch" in metrics:
        told["stretched"] = f"{metrics['largest_stretch']:.1%} at most"
    if metrics.get("unfitted_sch") is not None:
        told["cuts on its beats"] = f"{_share(metrics['unfitted_sch'])} before it was fitted"
    rows = [_row(name, value) for name, value in told.items()]
    rows += [
        _row(f"part {number}", f"{minutes(begin_s)} \N{EN DASH} {minutes(end_s)} of the song")
        for number, (_, begin_s, end_s) in enumerate(fitted.pieces[:_MOST_ROWS], start=1)
    ]
    return card("The song", tag("table", tag("tbody", rows)))


def composed_sound(contents: Contents) -> Markup:
    """Of a take of a model that composes sound: which, and how its sound was laid on the hits."""
    sound, found = contents.record.sound, contents.record.metrics.get("composed") or {}
    if sound is None:
        return Markup("")
    told = {"composed by": contents.record.backbone}
    if sound.adapter:
        told["event curve"] = f"told by {sound.adapter}"
    if found.get("asked_bpm") is not None:
        told["tempo asked for"] = f"{found['asked_bpm']:g} BPM"
    heard = found.get("tempo_bpm")
    told["tempo heard"] = "none that could be made out" if heard is None else f"{heard:g} BPM"
    told["stretched"] = f"{found.get('largest_stretch', 0.0):.1%} at most"
    return card("The sound", tag("table", tag("tbody", [_row(*each) for each in told.items()])))


def _own(text: str) -> Markup:
    """Somebody's own words, which may run from right to left."""
    return tag("bdi", text)


def _table(heads: Iterable[str], rows: Iterable[Content]) -> Markup:
    head = tag("thead", tag("tr", (tag("th", name, scope="col") for name in heads)))
    return tag("table", head, tag("tbody", rows))


def hits(contents: Contents) -> Markup:
    """Every hit, its error, and a button that goes there."""
    record = contents.record
    shown = record.hits[:_MOST_ROWS]
    table = _table(("Time", "Kind", "Weight", "Onset", "Why"), (_hit_row(contents, hit) for hit in shown))
    rest = len(record.hits) - len(shown)
    more = tag("p", f"{rest} more are in take.json.", class_="more") if rest else Markup("")
    inner = tag("div", table, more, class_="scrolled", tabindex=0, role="region", aria_label="Hits")
    return card("Hits", inner if shown else tag("p", "There are none."), kind="wide")


def _hit_row(contents: Contents, hit: Hit) -> Markup:
    record, errors = contents.record, contents.errors_s
    frame = record.start_frame + seconds_to_frame(hit.time_s, record.frame_rate)
    timecode = frame_to_timecode(frame, record.frame_rate, drop_frame=record.drop_frame)
    seek = tag("button", timecode, type="button", class_="seek", data_time=f"{float(hit.time_s):.4f}")
    error = tag("td", "\N{EN DASH}")
    if hit.id in errors:
        kind = grade(errors[hit.id], float(1 / record.frame_rate))
        error = tag("td", tag("span", told_error(errors[hit.id]), class_=f"grade {kind}"))
    return tag(
        "tr", tag("td", seek), tag("td", tag("span", hit.kind, class_=f"key k-{hit.kind}")),
        tag("td", f"{hit.weight:.2f}", class_="number"), error, tag("td", _own(hit.reason)),
    )  # fmt: skip


def settings(contents: Contents) -> Markup:
    """Every knob, and all that makes the take again."""
    record = contents.record
    rows = [_row(name.replace("_", " "), _setting(name, value)) for name, value in record.settings.items()]
    made = {
        "seed": str(record.seed),
        "backbone": record.backbone,
        "weights": record.weights_sha256[:_DIGEST_DIGITS],
        "SoundFont": record.soundfont_sha256[:_DIGEST_DIGITS],
        "computed on": record.arithmetic or "\N{EN DASH}",
        "picture seen by": record.encoder,
        "curve": f"{record.curve['rate_hz']:g} a second, smoothed over {record.curve['kernel_s']:.2f} s",
        "V2M": record.v2m_version,
    }
    rows += [_row(name, str(value)) for name, value in made.items() if value and name not in record.settings]
    return card("Settings", tag("table", tag("tbody", rows)))


def _row(name: str, value: str) -> Markup:
    return tag("tr", tag("th", name, scope="row"), tag("td", _own(value)))


def _setting(name: str, value: object) -> str:
    if value is None or value == []:
        return "\N{EN DASH}"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, float):
        return f"{value:g}"
    return bare_name(str(value)) if name == "soundfont" else str(value)


def sources(contents: Contents) -> Markup:
    """What went in, known by its hash."""
    rows = [
        _row(bare_name(source.path), source.sha256[:_DIGEST_DIGITS]) for source in contents.record.sources
    ]
    return card(
        "Made from", tag("table", tag("tbody", rows)) if rows else tag("p", "Nothing that lay in a file.")
    )


def notes(contents: Contents) -> Markup:
    """What a person should know."""
    told = contents.record.notes
    return card("Notes", tag("ul", [tag("li", _own(note)) for note in told])) if told else Markup("")


def mapping_rows(table: Mapping[str, str]) -> list[Content]:
    """Rows of a name and what belongs to it."""
    return [_row(name, value) for name, value in table.items()]
