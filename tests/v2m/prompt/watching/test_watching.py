"""A programme that nobody described is watched step by step, each step is seen, kept, and can be replaced."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from v2m.analysis import Analysis, analyze
from v2m.errors import (
    CancelledError,
    CheckpointError,
    MissingPartError,
    OutOfMemoryError,
    UsageError,
)
from v2m.model import warm
from v2m.prompt.watching import instructions, loading, unasked
from v2m.prompt.watching.description import read_description, write_description
from v2m.prompt.watching.looking import Reader
from v2m.prompt.watching.unasked import Unasked, Watchers, words_of
from v2m.timeline import Timeline

pytestmark = pytest.mark.slow  # transformers takes seconds to import

STEPS = ("transcript", "captions", "summary", "prompt")


@pytest.fixture(autouse=True)
def store(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with the tiny models, which a test may change, and a cache of its own."""
    folder = tmp_path / "store"
    folder.mkdir()
    for model in models.iterdir():
        (folder / model.name).symlink_to(model)
    monkeypatch.setattr(unasked, "models_folder", lambda: folder)
    monkeypatch.setenv("V2M_HOME", str(tmp_path / "home"))
    for name in ("CAPTION_TOKENS", "SUMMARY_TOKENS", "PROMPT_TOKENS"):
        monkeypatch.setattr(instructions, name, 8)  # they never end by themselves
    # so small a model answers long questions all alike: it hears little but the last letters
    monkeypatch.setattr(instructions, "CAPTION", "?")
    monkeypatch.setattr(instructions, "for_prompt", lambda transcript, summary: summary)
    return folder


@pytest.fixture
def analysis(timeline: Timeline) -> Analysis:
    return analyze(timeline, encoder="pixel")


def watched(analysis: Analysis, **wishes: Any) -> Unasked:
    return unasked.unasked(analysis, Watchers(**{"asked": True, **wishes}))


def test_every_step_is_there_and_says_who_did_it(analysis: Analysis) -> None:
    words = watched(analysis)
    seen = words.description
    assert seen is not None
    assert seen.missing == ()
    assert seen.models == {step: "gemma-3-4b-it" for step in STEPS[1:]} | {"transcript": "whisper"}
    assert [caption.time_s for caption in seen.captions or ()] == [1.0, 3.0]
    assert seen.transcript
    assert words.prompt == seen.prompt
    assert words.models == ("whisper", "gemma-3-4b-it")
    assert "watched the programme" in words.note
    assert json.loads(json.dumps(seen.as_dict()))["captions"][0].keys() == {"time_s", "text"}


@pytest.mark.parametrize("watcher", ["gemma-3-4b-it", "qwen3-vl"])
@pytest.mark.parametrize("writer", ["", "llama", "qwen3-vl"])
def test_models_are_chosen_by_name(analysis: Analysis, watcher: str, writer: str) -> None:
    seen = watched(analysis, watcher=watcher, writer=writer).description
    assert seen is not None
    assert seen.models["captions"] == watcher
    assert seen.models["prompt"] == (writer or watcher)


def test_the_same_programme_has_the_same_words_and_nothing_is_loaded_for_them(
    analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = watched(analysis)

    def never(*_: Any) -> None:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(loading.LocalModel, "loaded", never)
    assert watched(analysis) == first


def test_another_picture_has_another_answer(models: Path) -> None:
    reader = Reader(models / "qwen3-vl", "qwen3-vl")
    picture = np.random.default_rng(0).integers(0, 255, (24, 42, 3), dtype=np.uint8)
    first, other = (reader.answer("What?", 12, shown) for shown in (picture, 255 - picture))
    assert first != other
    assert reader.answer("What?", 12, picture) == first


def test_an_edited_step_stands_and_what_was_thrown_away_is_made_again(
    analysis: Analysis, tmp_path: Path
) -> None:
    seen = watched(analysis).description
    assert seen is not None
    write_description(path := tmp_path / "film.json", seen)
    told = json.loads(path.read_text())
    told["summary"], told["prompt"] = "Two people part at a station.", None
    path.write_text(json.dumps(told))
    again = watched(analysis, start=read_description(path)).description
    assert again is not None
    assert again.summary == "Two people part at a station."
    assert again.captions == seen.captions
    assert again.prompt != seen.prompt
    fixed = replace(again, prompt="sad piano, 70 BPM")
    words = watched(analysis, start=fixed)
    assert words.prompt == "sad piano, 70 BPM"
    assert "of the description" in words.note


def test_the_users_own_words_come_first(analysis: Analysis) -> None:
    assert words_of(analysis, "warm lo-fi") == ("warm lo-fi", ())


def test_what_is_not_asked_for_falls_back_to_a_plain_reading(analysis: Analysis, store: Path) -> None:
    weights = store / "gemma-3-4b-it"
    weights.unlink()
    (store / "qwen3-vl").unlink()
    words = unasked.unasked(analysis)
    assert words.description is None
    assert words.models == ()
    assert "by light, colour, motion and the pace" in words.note
    assert "v2m models add gemma-3-4b-it" in words.note
    assert watched(analysis) == words
    with pytest.raises(MissingPartError, match="gemma-3-4b-it is not here"):
        watched(analysis, watcher="gemma-3-4b-it")
    assert "by the pace of the cutting it is" in unasked.unasked(replace(analysis, sheet=None)).note


def test_without_a_listener_the_picture_alone_speaks_and_the_note_says_so(
    analysis: Analysis, store: Path
) -> None:
    (store / "whisper").unlink()
    words = watched(analysis)
    assert words.description is not None
    assert words.description.transcript == ""
    assert "transcript" not in words.description.models
    assert "v2m models add whisper" in words.note


def test_weights_that_are_slow_here_are_only_used_when_asked_for(
    analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unasked, "_SLOW_BYTES", 1)
    words = unasked.unasked(analysis)
    if words.description is None:  # no GPU here
        assert "--describe uses it all the same" in words.note


def test_a_model_that_does_not_fit_is_refused_with_the_numbers(
    analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm, "free_bytes", lambda device: 10)
    with pytest.raises(OutOfMemoryError, match=r"needs about .* GB"):
        watched(analysis)
    assert "GB are free" in unasked.unasked(analysis).note


@pytest.mark.parametrize("harm", ["cut", "nan", "keys", "pickle", "config"])
def test_a_broken_model_is_refused(
    harm: str, store: Path, models: Path, tmp_path: Path, analysis: Analysis
) -> None:
    folder = store / "gemma-3-4b-it"
    folder.unlink()
    shutil.copytree(models / "gemma-3-4b-it", folder)
    path = folder / "model.safetensors"
    tensors = load_file(path)
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:-9])
    elif harm == "nan":
        name = next(iter(sorted(tensors)))
        save_file({**tensors, name: tensors[name] * np.float32("nan")}, path, metadata={"format": "pt"})
    elif harm == "keys":
        save_file({f"x.{name}": value for name, value in tensors.items()}, path, metadata={"format": "pt"})
    elif harm == "pickle":
        path.write_bytes(b"\x80\x04\x95" + b"\x00" * 100)
    else:
        (folder / "config.json").write_text("{")
    with pytest.raises(CheckpointError):
        watched(analysis)
    assert "it is" in unasked.unasked(analysis).note  # and nobody who did not ask is stopped by it


def test_watching_is_cancelled_between_two_words(timeline: Timeline, analysis: Analysis) -> None:
    asked = 0

    def cancel() -> None:
        nonlocal asked
        asked += 1
        if asked > 12:
            raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError):
        unasked.unasked(analysis, Watchers(asked=True), cancel=cancel)


def test_names_that_are_none_are_refused() -> None:
    with pytest.raises(UsageError, match="no model 'llama' that looks"):
        Watchers(watcher="llama")
    with pytest.raises(UsageError, match="no model 'gpt' that writes"):
        Watchers(writer="gpt")


def test_gemma_is_shown_a_picture_as_its_own_processor_does(models: Path) -> None:
    from transformers import AutoTokenizer, Gemma3ImageProcessorPil, Gemma3Processor

    folder = models / "gemma-3-4b-it"
    tokenizer = AutoTokenizer.from_pretrained(
        folder,
        extra_special_tokens={
            "boi_token": "<start_of_image>",
            "eoi_token": "<end_of_image>",
            "image_token": "<image_soft_token>",
        },
    )
    eyes = Gemma3ImageProcessorPil.from_pretrained(folder)
    processor = Gemma3Processor(eyes, tokenizer, image_seq_length=4)
    picture = np.random.default_rng(1).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    text = "<user><start_of_image>What?<model>"
    expected = processor(images=[[picture]], text=text, add_special_tokens=False, return_tensors="pt")
    given: dict[str, Any] = {}

    class Spy(Reader):
        def answer_inputs(self) -> dict[str, Any]:
            model = self._local.loaded("AutoModelForImageTextToText")
            real = model.generate

            def generate(**inputs: Any) -> Any:
                given.update(inputs)
                return real(**inputs)

            model.generate = generate
            return given

    reader = Spy(folder, "gemma-3-4b-it")
    reader.answer_inputs()
    reader.answer("What?", 3, picture)
    for name in ("input_ids", "token_type_ids", "pixel_values", "attention_mask"):
        assert given[name].shape == expected[name].shape
        assert bool((given[name] == expected[name]).all()), name
