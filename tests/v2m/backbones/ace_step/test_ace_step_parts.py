"""Each trap of ACE-Step on its own: text, schedule, guidance, silence, masks; and the official numbers."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from v2m.backbones.ace_step.guidance import ProjectedGuidance
from v2m.backbones.ace_step.layers import load_encoder, load_transformer
from v2m.backbones.ace_step.layout import AceStepFolder
from v2m.backbones.ace_step.model import AceStep
from v2m.backbones.ace_step.sampler import Painting, Solving, schedule, solve
from v2m.backbones.ace_step.transformer import Velocity
from v2m.backbones.ace_step.words import INSTRUMENTAL, REPAINT, text_of
from v2m.backbones.sound.model import SoundWindow
from v2m.errors import InputError
from v2m.stages import never_cancel


def test_every_line_break_of_the_text_is_where_the_model_learned_it() -> None:
    assert text_of("warm strings", 42.9) == (
        "# Instruction\nFill the audio semantic mask based on the given conditions:\n\n"
        "# Caption\nwarm strings\n\n"
        "# Metas\n- bpm: N/A\n- timesignature: N/A\n- keyscale: N/A\n- duration: 42 seconds\n<|endoftext|>\n"
    )
    assert INSTRUMENTAL == "# Languages\nunknown\n\n# Lyric\n[Instrumental]<|endoftext|>"


@pytest.mark.parametrize("said", ["techno at 118 BPM", "118bpm, techno", "Techno (118 bpm)"])
def test_a_tempo_in_the_words_is_a_fact_too(said: str) -> None:
    assert "- bpm: 118\n" in text_of(said, 30)
    assert f"# Caption\n{said}\n" in text_of(said, 30)
    assert "- bpm: N/A\n" in text_of("a hundred BPM, or 12345bpm", 30)


def test_repainting_is_asked_for_in_its_own_words() -> None:
    assert text_of("x", 30, instruction=REPAINT).startswith("# Instruction\nRepaint the mask area")


def test_eight_steps_are_those_that_turbo_was_distilled_for() -> None:
    distilled = [1, 0.9545454545, 0.9, 0.8333333333, 0.75, 0.6428571429, 0.5, 0.3, 0]
    assert np.allclose(schedule(8), distilled, atol=1e-7)


@given(steps=st.integers(1, 200))
def test_the_schedule_falls_from_noise_to_music(steps: int) -> None:
    times = schedule(steps)
    assert (times[0], times[-1], len(times)) == (1, 0, steps + 1)
    assert all(later < earlier for earlier, later in pairwise(times))


@pytest.mark.parametrize(("steps", "text_scale"), [(0, 1.0), (1001, 1.0), (8, -1.0), (8, 51.0)])
def test_nonsense_is_refused(steps: int, text_scale: float) -> None:
    with pytest.raises(InputError, match="expected"):
        Solving(steps, text_scale, 0.0)


def test_guidance_turns_and_does_not_lengthen() -> None:
    torch.manual_seed(0)
    nothing, both = torch.randn(2, 1, 30, 4, dtype=torch.float64).unbind()
    push = ProjectedGuidance(7.0, 7.0)(nothing, both, both) - both
    assert torch.allclose((push * both).sum(1), torch.zeros(1, 4, dtype=torch.float64), atol=1e-9)
    assert float(push.norm(dim=1).max()) <= 6 * 2.5 + 1e-9


def test_guidance_remembers_the_steps_before() -> None:
    torch.manual_seed(1)
    nothing, both = (0.01 * torch.randn(1, 30, 4) for _ in range(2))  # short enough not to be limited
    guide = ProjectedGuidance(3.0, 3.0)
    first, second = (guide(nothing, both, both) - both for _ in range(2))
    assert torch.allclose(second, 0.25 * first, atol=1e-6)  # 1 - 0.75 of what keeps its direction


def test_words_and_curve_guided_alike_are_guided_as_one() -> None:
    torch.manual_seed(2)
    nothing, text, both = torch.randn(3, 1, 12, 4).unbind()
    as_one = ProjectedGuidance(5.0, 5.0)(nothing, text, both)
    nearly = ProjectedGuidance(5.0, 5.0 + 1e-7)(nothing, text, both)
    assert torch.allclose(as_one, nearly, atol=1e-5)
    assert not torch.allclose(as_one, ProjectedGuidance(5.0, 1.0)(nothing, text, both), atol=1e-2)


def test_what_the_model_is_shown_is_silence_and_a_mask_of_zeros_and_ones() -> None:
    silence, source = torch.full((1, 6, 2), 0.3), torch.full((1, 6, 2), 9.0)
    kept = torch.tensor([True, True, False, False, False, True])
    plain = Painting(torch.zeros(1, 6, 2), silence, None).context
    assert torch.equal(plain, torch.cat([silence, torch.ones(1, 6, 2)], -1))
    context = Painting(torch.zeros(1, 6, 2), silence, None, kept, source).context
    assert torch.equal(context[0, :, 0], torch.tensor([9, 9, 0.3, 0.3, 0.3, 9]))
    assert torch.equal(context[0, :, 2], torch.tensor([0.0, 0, 1, 1, 1, 0]))


def rewritten(folder: Path, name: str, factor: float) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    tensors[name] = tensors[name] * factor
    save_file(tensors, path)


def test_base_is_guided_away_from_its_learned_nothing_and_turbo_is_not(
    copied: Path, turbo: AceStep, base_folder: Path, base: AceStep, tmp_path: Path, window: Any
) -> None:
    def latents(model: AceStep) -> np.ndarray:
        asked: SoundWindow = window()
        return model.compose(asked, lambda fraction: None, never_cancel)

    rewritten(copied, "null_condition_emb", -2)
    assert np.allclose(latents(AceStep(copied, name="t", device="cpu", dtype="float32")), latents(turbo))
    (copied / "config.json").write_bytes((base_folder / "config.json").read_bytes())
    other = AceStep(copied, name="ace-step", device="cpu", dtype="float32")
    assert not np.allclose(latents(other), latents(base), atol=1e-3)


def test_the_timbre_is_that_of_stored_silence(copied: Path, turbo: AceStep, window: Any) -> None:
    save_file({"silence_latent": torch.zeros(1, 64, 760)}, copied / "silence_latent.safetensors")
    other = AceStep(copied, name="ace-step-turbo", device="cpu", dtype="float32")
    asked = window()
    heard = [model.compose(asked, lambda fraction: None, never_cancel) for model in (turbo, other)]
    assert not np.allclose(heard[0], heard[1], atol=1e-2)


@pytest.fixture(scope="module")
def golden(repository: Path) -> dict[str, torch.Tensor]:
    return load_file(repository / "tests" / "golden" / "ace_step.safetensors")


@pytest.fixture(scope="module")
def golden_model(
    golden: dict[str, torch.Tensor], repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Velocity, Any]:
    folder = tmp_path_factory.mktemp("golden")
    weights = {name.removeprefix("weights."): value for name, value in golden.items() if "weights." in name}
    save_file(weights, folder / "model.safetensors")
    save_file({"silence": golden["in.silence"].mT.contiguous()}, folder / "silence_latent.safetensors")
    shape = (repository / "tests" / "golden" / "ace_step.json").read_text()
    (folder / "config.json").write_text(json.dumps(json.loads(shape)))
    layout = AceStepFolder(folder, folder, folder, folder, is_official=True)
    transformer, encoder = layout.tensors()
    network = load_transformer(layout.transformer_config(), transformer).eval()
    return Velocity(network), load_encoder(layout.encoder_config(), encoder).eval()


def test_conditions_are_the_official_ones(golden: dict[str, torch.Tensor], golden_model: Any) -> None:
    with torch.no_grad():
        found, _ = golden_model[1](
            text_hidden_states=golden["in.text"],
            text_attention_mask=torch.ones(1, golden["in.text"].shape[1], dtype=torch.bool),
            lyric_hidden_states=golden["in.lyrics"],
            lyric_attention_mask=torch.ones(1, golden["in.lyrics"].shape[1], dtype=torch.bool),
            refer_audio_acoustic_hidden_states_packed=golden["in.silence"][:, :30],
            refer_audio_order_mask=torch.zeros(1, dtype=torch.long),
        )
    assert torch.allclose(found, golden["out.conditions"], atol=1e-5)


@pytest.mark.parametrize("what", ["base", "turbo", "repaint"])
def test_takes_are_the_official_ones(
    what: str, golden: dict[str, torch.Tensor], golden_model: tuple[Velocity, Any]
) -> None:
    ask, encoder = golden_model
    words = golden["out.conditions"]
    nothing = encoder.null_condition_emb.detach().expand_as(words)
    noise = golden["in.noise"]
    painting = Painting(noise, golden["in.silence"][:, : noise.shape[1]], None)
    if what == "repaint":
        kept = golden["in.kept"].bool()
        painting = Painting(noise, painting.silence, None, kept, golden["in.source"])
    solving = Solving(8, 1.0 if what == "turbo" else 7.0, 0.0, kept_share=0.5)
    found = solve(ask, words, nothing, painting, solving)
    made = ~golden["in.kept"].bool() if what == "repaint" else slice(None)
    assert torch.allclose(found[:, made], golden[f"out.{what}"][:, made], atol=2e-5)
    if what == "repaint":
        assert torch.equal(found[:, kept], golden["in.source"][:, kept])
