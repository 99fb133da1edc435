"""Which files make an ACE-Step model, in the official layout or in that of diffusers.

Official, as the hub has it and `v2m models add` leaves it, the shared parts inside or beside the folder:

    config.json  model.safetensors  silence_latent.safetensors       the transformer and its encoders
    vae/  Qwen3-Embedding-0.6B/                                      or ../vae, or ../ace-step-parts/vae …

diffusers:

    transformer/  condition_encoder/  vae/  text_encoder/  tokenizer/

Both become the same two modules; the official names of their tensors are put into those of diffusers here.
`silence_latent.pt` of the hub is a pickle: `v2m models add` makes safetensors of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from torch import Tensor

from v2m.backbones.sound.checkpoint import read_safetensors
from v2m.backbones.sound.config_file import read_config
from v2m.errors import CheckpointError, MissingPartError

PARTS_NAME: Final = "ace-step-parts"
"""The folder of the store with what every ACE-Step 1.5 needs."""

_RENAMED: Final = (
    ("proj_in.1.", "proj_in_conv."),
    ("proj_out.1.", "proj_out_conv."),
    (".q_proj.", ".to_q."),
    (".k_proj.", ".to_k."),
    (".v_proj.", ".to_v."),
    (".o_proj.", ".to_out.0."),
    (".q_norm.", ".norm_q."),
    (".k_norm.", ".norm_k."),
)
"""Official part of a tensor's name, and what diffusers calls it."""

_PASSED_OVER: Final = ("tokenizer.", "detokenizer.")
"""Audio tokens of cover songs, which nothing here asks for."""

_SHARED_KEYS: Final = ("num_attention_heads", "num_key_value_heads", "head_dim", "rope_theta",
                       "attention_bias", "attention_dropout", "rms_norm_eps", "sliding_window")  # fmt: skip
_TRANSFORMER_KEYS: Final = ("hidden_size", "intermediate_size", "num_hidden_layers", "in_channels",
                            "audio_acoustic_hidden_dim", "patch_size", "layer_types",
                            "encoder_hidden_size", "is_turbo", "model_version", *_SHARED_KEYS)  # fmt: skip
_ENCODER_KEYS: Final = ("text_hidden_dim", "timbre_hidden_dim", "num_lyric_encoder_hidden_layers",
                        "num_timbre_encoder_hidden_layers", *_SHARED_KEYS)  # fmt: skip
_ENCODERS_OWN: Final = ("hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads")
"""What the encoders of the large models have apart, as `encoder_hidden_size` …"""


_NO_SIZES: Final = ("layer_types", "is_turbo", "model_version", "attention_bias", "attention_dropout",
                    "rms_norm_eps")  # fmt: skip
"""What is said besides numbers of at least 1."""

_LARGEST: Final = 100_000_000
"""Of such a number; the base of the rotary positions is a million."""


@dataclass(frozen=True)
class AceStepFolder:
    """Where everything is."""

    root: Path
    autoencoder: Path
    text_encoder: Path
    tokenizer: Path
    is_official: bool

    @property
    def files(self) -> tuple[Path, ...]:
        """Everything that decides what the model composes, in a fixed order."""
        if self.is_official:
            own = [*self.root.glob("*.safetensors"), self.root / "config.json"]
        else:
            own = _weights_and_config(self.root / "transformer", self.root / "condition_encoder")
        parts = (self.autoencoder, self.text_encoder, self.tokenizer)
        return tuple(dict.fromkeys([*sorted(own), *_weights_and_config(*parts)]))

    def transformer_config(self) -> dict[str, Any]:
        """Arguments of diffusers' transformer."""
        if not self.is_official:
            return _stated(read_config(self.root / "transformer" / "config.json"))
        said = self._official_config()
        return _sensible({name: said[name] for name in _TRANSFORMER_KEYS if name in said})

    def encoder_config(self) -> dict[str, Any]:
        """Arguments of diffusers' condition encoder."""
        if not self.is_official:
            return _stated(read_config(self.root / "condition_encoder" / "config.json"))
        said = self._official_config()
        kept: dict[str, Any] = {name: said[name] for name in (*_ENCODER_KEYS, *_ENCODERS_OWN) if name in said}
        for name in _ENCODERS_OWN:
            if said.get(f"encoder_{name}"):
                kept[name] = said[f"encoder_{name}"]
        return _sensible(kept)

    def _official_config(self) -> dict[str, Any]:
        path = self.root / "config.json"
        said = read_config(path)
        if "num_lyric_encoder_hidden_layers" not in said or "hidden_size" not in said:
            raise CheckpointError(f"{path} describes no ACE-Step 1.5 model.")
        # newer transformers write the base of the rotary positions into a table of its own
        rope = said.get("rope_parameters") or {}
        return said if "rope_theta" in said else {**said, "rope_theta": rope.get("rope_theta", 1_000_000.0)}

    def tensors(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Of the transformer and of the condition encoder, by the names of diffusers.

        Raises:
            CheckpointError: an InputError; a file is broken, or the silence is not there.
        """
        if not self.is_official:
            halves = (self.root / "transformer", self.root / "condition_encoder")
            decoder, encoder = (read_all(sorted(half.glob("*.safetensors"))) for half in halves)
            return decoder, encoder
        weights = [path for path in sorted(self.root.glob("*.safetensors")) if path != self._silence]
        transformer, encoder = _by_diffusers_names(read_all(weights))
        return transformer, {**encoder, "silence_latent": self._read_silence()}

    @property
    def _silence(self) -> Path:
        return self.root / "silence_latent.safetensors"

    def _read_silence(self) -> Tensor:
        """(1, t, c): what the autoencoder makes of silence, of any length that is stored."""
        if not self._silence.is_file():
            raise CheckpointError(
                f"{self._silence.name} is not in {self.root}.",
                hint="Add the model with `v2m models add`, which converts silence_latent.pt.",
            )
        found = list(read_safetensors(self._silence).values())
        channels = self._official_config().get("timbre_hidden_dim", 64)
        whole = len(found) == 1 and found[0].dim() == 3
        if not whole or found[0].shape[0] != 1 or channels not in found[0].shape[1:]:
            shapes = [tuple(value.shape) for value in found]
            raise CheckpointError(f"{self._silence.name} holds {shapes}, expected one (1, {channels}, t).")
        return found[0] if found[0].shape[2] == channels else found[0].transpose(1, 2)


def _sensible(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration whose sizes are sizes.

    Raises:
        CheckpointError: one is none.
    """
    for name, value in config.items():
        if name in _NO_SIZES or value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= _LARGEST:
            raise CheckpointError(
                f"The configuration says {name} {value!r}, expected a number of at least 1."
            )
    if not isinstance(config.get("layer_types") or [], list):
        raise CheckpointError(
            f"The configuration says layer_types {config['layer_types']!r}, expected a list."
        )
    return config


def find_folder(root: Path) -> AceStepFolder:
    """The layout of a model's folder.

    Raises:
        MissingPartError: it, or a part that it needs, is not there.
    """
    if (root / "transformer" / "config.json").is_file():
        return AceStepFolder(root, root / "vae", root / "text_encoder", root / "tokenizer", False)
    if not (root / "config.json").is_file():
        raise MissingPartError(
            f"There is no ACE-Step model in {root}.", hint="Add one with `v2m models add ace-step`."
        )
    words = _part(root, "Qwen3-Embedding-0.6B")
    return AceStepFolder(root, _part(root, "vae"), words, words, True)


def _part(root: Path, name: str) -> Path:
    places = (root, root.parent, root.parent / PARTS_NAME)
    for place in places:
        if (place / name / "config.json").is_file():
            return place / name
    raise MissingPartError(
        f"ACE-Step needs its part {name}, which is neither in {root} nor beside it.",
        hint=f"Add it with `v2m models add {PARTS_NAME}`.",
    )


def read_all(paths: Iterable[Path]) -> dict[str, Tensor]:
    """The tensors of all shards of a model.

    Raises:
        CheckpointError: an InputError; a file is broken, or there is none.
    """
    tensors: dict[str, Tensor] = {}
    for path in paths:
        tensors |= read_safetensors(path)
    if not tensors:
        raise CheckpointError(
            "The model's folder holds no safetensors.", hint="Add it again with `v2m models add`."
        )
    return tensors


def _by_diffusers_names(official: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Transformer and condition encoder; what belongs to neither stays with the encoder, to be refused."""
    transformer, encoder = {}, {}
    for name, value in official.items():
        if name.startswith(_PASSED_OVER):
            continue
        renamed = name
        for old, new in _RENAMED:
            renamed = renamed.replace(old, new)
        if renamed.startswith("decoder."):
            transformer[renamed.removeprefix("decoder.")] = value
        else:
            encoder[renamed.removeprefix("encoder.")] = value
    return transformer, encoder


def _stated(config: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if not name.startswith("_")}


def _weights_and_config(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in sorted(folder.glob("*"))
            if path.suffix in (".safetensors", ".json", ".txt")]  # fmt: skip
