"""A user's MIDI files join the corpus: what they hold arrives, and what cannot be read is named."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from v2m_training import corpus
from v2m_training.cli import main
from v2m_training.compose import STYLE_NAMES, Piece, compose
from v2m_training.compose.harmony import SCALES
from v2m_training.dataset import read_corpus
from v2m_training.midi import read_folder, read_pieces
from v2m_training.midi.key import estimate_key

from v2m.codecs.arrangement import Note
from v2m.codecs.midi import write_midi
from v2m.errors import InputError
from v2m.prompt.vocabulary import TERM_INDEX
from v2m.tempo import TempoMap


def as_file(path: Path, tracks: Sequence[pretty_midi.Instrument], bpm: float = 120.0) -> Path:
    file = pretty_midi.PrettyMIDI(initial_tempo=bpm)
    file.instruments.extend(tracks)
    file.write(str(path))
    return path


def track(
    program: int, notes: Sequence[tuple[float, float, int]], *, drum: bool = False, name: str = ""
) -> pretty_midi.Instrument:
    instrument = pretty_midi.Instrument(program, is_drum=drum, name=name)
    instrument.notes.extend(pretty_midi.Note(80, pitch, start, end) for start, end, pitch in notes)
    return instrument


def band(beats: int, beat_s: float = 0.5) -> list[pretty_midi.Instrument]:
    """C major: chords on a piano, a flute above, a bass below, a kick on the beat."""
    roots = [(0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14)]
    chords, line, low, kick = [], [], [], []
    for beat in range(beats):
        at = beat * beat_s
        chord = roots[beat // 4 % 4]
        chords += [(at, at + 0.9 * beat_s, 60 + tone) for tone in chord]
        line.append((at, at + 0.9 * beat_s, 76 + (0, 1, 3, -2)[beat % 4]))
        low.append((at, at + 0.9 * beat_s, 36 + chord[0] % 12))
        kick.append((at, at + 0.1, 36))
    return [track(48, chords), track(73, line), track(33, low), track(0, kick, drum=True)]


@pytest.mark.slow
@settings(max_examples=12)
@given(seed=st.integers(0, 2000), style=st.sampled_from([s for s in STYLE_NAMES if s != "ambient"]))
def test_what_the_product_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, seed: int, style: str
) -> None:
    comes_back(compose(seed, style), tmp_path_factory.mktemp("midi") / "piece.mid")


def test_six_eight_is_read_back(tmp_path: Path) -> None:
    pieces = (compose(seed, "folk") for seed in range(100))
    comes_back(next(p for p in pieces if p.facts.metre == "6/8"), tmp_path / "six.mid")


def comes_back(piece: Piece, path: Path) -> None:
    music = piece.arrangement
    beats_s = tuple((np.arange(music.beat_count + 1) * 60 / piece.bpm).tolist())
    write_midi(path, music, TempoMap(beats_s, music.beats_per_bar))
    read = read_pieces(path)
    first = read[0]
    assert first.facts.metre == piece.facts.metre
    assert first.bpm == pytest.approx(piece.bpm, abs=0.2)
    count = first.arrangement.beat_count

    def placed(notes: Sequence[Note], shift: float) -> set[tuple[str, int, int]]:
        return {
            (n.part, round((n.start_beat + shift) * 24), n.pitch)
            for n in notes
            if n.start_beat + shift < count - 0.1
        }

    there, back = placed(music.notes, 0), placed(first.arrangement.notes, 0)
    near = {(part, tick + side, pitch) for part, tick, pitch in back for side in (-1, 0, 1)}
    assert len(there & near) >= 0.98 * len(there)
    for part, program in first.arrangement.programs.items():
        assert program == music.programs[part]


def test_parts_go_by_program_and_register(tmp_path: Path) -> None:
    (piece,) = read_pieces(as_file(tmp_path / "song.mid", band(128)))
    music = piece.arrangement
    assert dict(music.programs) == {"drums": 0, "bass": 33, "harmony": 48, "lead": 73}
    assert (music.tonic, piece.mode) == (0, "major")
    assert piece.bpm == pytest.approx(120)
    assert music.beat_count == 128
    assert {"strings", "flute", "electric bass", "drums", "4/4", "major"} <= set(piece.terms)
    assert {note.start_beat % 1 for note in music.notes} == {0.0}


def test_the_tempo_map_is_followed(tmp_path: Path) -> None:
    piece = compose(3, "house").arrangement
    beats_s = np.concatenate([[0.0], np.cumsum(np.linspace(0.45, 0.55, piece.beat_count))])
    write_midi(tmp_path / "bent.mid", piece, TempoMap(tuple(beats_s.tolist()), 4))
    read = read_pieces(tmp_path / "bent.mid")[0].arrangement
    kicks = [note.start_beat for note in read.notes if note.part == "drums" and note.pitch == 36]
    assert kicks
    assert np.mean([abs(beat * 4 - round(beat * 4)) < 0.2 for beat in kicks]) > 0.95


def test_a_piano_is_dealt_to_its_hands(tmp_path: Path) -> None:
    notes = [(b / 2, b / 2 + 0.45, p) for b in range(96) for p in (40 + b % 3, 60, 64 - b % 2, 72 + b % 5)]
    (piece,) = read_pieces(as_file(tmp_path / "solo.mid", [track(0, notes)]))
    parts = {note.part for note in piece.arrangement.notes}
    assert parts == {"bass", "harmony", "lead"}
    assert {"piano", "solo", "no drums"} <= set(piece.terms)
    lead = [note.pitch for note in piece.arrangement.notes if note.part == "lead"]
    assert min(lead) >= 72


def test_long_files_become_several_pieces_on_bar_lines(tmp_path: Path) -> None:
    pieces = read_pieces(as_file(tmp_path / "long.mid", band(300)))
    assert [p.arrangement.beat_count for p in pieces] == [128, 128]
    for piece in pieces:
        assert all(0 <= note.start_beat < 128 for note in piece.arrangement.notes)
        assert all(note.start_beat + note.duration_beats <= 128 for note in piece.arrangement.notes)


def test_metres_are_read(tmp_path: Path) -> None:
    for signature, metre, beats in (((3, 4), "3/4", 3), ((6, 8), "6/8", 2), ((2, 2), "4/4", 4)):
        file = pretty_midi.PrettyMIDI(initial_tempo=120)
        file.time_signature_changes.append(pretty_midi.TimeSignature(*signature, 0))
        file.instruments.extend(band(144))
        file.write(str(tmp_path / "metre.mid"))
        piece = read_pieces(tmp_path / "metre.mid")[0]
        assert (piece.facts.metre, piece.beats_per_bar) == (metre, beats)
        assert metre in piece.terms
    assert piece.bpm == pytest.approx(120)


def test_an_odd_metre_is_passed_over_by_name(tmp_path: Path) -> None:
    file = pretty_midi.PrettyMIDI(initial_tempo=120)
    file.time_signature_changes.append(pretty_midi.TimeSignature(7, 8, 0))
    file.instruments.extend(band(144))
    file.write(str(tmp_path / "seven.mid"))
    with pytest.raises(InputError, match="7/8, expected"):
        read_pieces(tmp_path / "seven.mid")


def test_a_folder_names_what_it_passes_over(tmp_path: Path) -> None:
    (tmp_path / "jazz").mkdir()
    as_file(tmp_path / "jazz" / "calm evening.mid", band(128))
    as_file(tmp_path / "short.mid", band(16))
    (tmp_path / "broken.mid").write_bytes(b"MThd\x00\x00\x00\x06 nothing of the kind")
    (tmp_path / "empty.midi").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("no music")
    pieces, passed_over = read_folder(tmp_path)
    assert len(pieces) == 1
    assert pieces[0].style == "jazz"
    assert {"jazz", "calm"} <= set(pieces[0].terms) <= set(TERM_INDEX)
    assert len(passed_over) == 3
    for name in ("broken.mid", "empty.midi", "short.mid"):
        assert sum(name in sentence for sentence in passed_over) == 1


def test_a_folder_without_music_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        read_folder(tmp_path / "absent")
    with pytest.raises(InputError, match="no usable MIDI file"):
        read_folder(tmp_path)


@given(st.binary(max_size=400))
@settings(max_examples=40)
def test_bytes_that_are_no_midi_are_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("junk") / "junk.mid"
    path.write_bytes(b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\x00\x60MTrk" + data)
    with pytest.raises(InputError, match=r"junk\.mid"):
        read_pieces(path)


@given(st.sampled_from(sorted(SCALES)), st.integers(0, 11))
def test_the_key_is_told_from_the_notes(mode: str, tonic: int) -> None:
    scale = SCALES[mode]
    third, fifth = scale[2], scale[4]
    degrees = [0, 0, 0, 0, fifth, fifth, fifth, third, third, *scale]
    notes = [Note("lead", i, 1.0, 60 + tonic + degree, 80) for i, degree in enumerate(degrees)]
    assert estimate_key(notes) == (tonic, mode)


def test_the_corpus_takes_midi_in_before_what_is_composed(tmp_path: Path) -> None:
    midi, out = tmp_path / "midi", tmp_path / "corpus"
    midi.mkdir()
    as_file(midi / "song.mid", band(128))
    assert corpus.add_midi(out, midi, render=False) == []
    corpus.build(out, pieces=3, seed=1, workers=1, render=False)
    examples = list(corpus.read(out))
    assert examples[0].facts["frames"] == 512
    assert len(examples) == 4
    assert len(read_corpus(out, 1, 64).training) == 3
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    corpus.add_midi(out, midi, render=False)
    assert before == {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    as_file(midi / "song.mid", band(96))
    corpus.add_midi(out, midi, render=False)
    assert next(corpus.read(out)).facts["frames"] == 384
    assert len(list(corpus.read(out))) == 4


def test_the_command_names_what_it_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    midi = tmp_path / "midi"
    midi.mkdir()
    as_file(midi / "song.mid", band(96))
    (midi / "broken.mid").write_bytes(b"no")
    settings_path = tmp_path / "run.toml"
    settings_path.write_text('corpus_dir = "corpus"\n[corpus]\npieces = 1\ncurve_pieces = 1\nworkers = 1\n')
    assert main(["corpus", "--config", str(settings_path), "--midi", str(midi)]) == 0
    assert "broken.mid" in capsys.readouterr().err
    listings = [json.loads(path.read_text()) for path in tmp_path.rglob("0-midi-*.json")]
    assert len(listings) == 2
    assert main(["corpus", "--config", str(settings_path), "--midi", str(tmp_path / "absent")]) == 3
