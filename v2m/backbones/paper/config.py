"""The shape of a `paper` model and how it is sampled, as its `config.json` says them.

Conventions: every key of the file is a field here and has the paper's value where it is left out; an
unknown key is an error. Where the paper says nothing, the field says what was chosen and why.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from v2m.backbones.sound.config_file import known_keys, read_config
from v2m.backbones.sound.oobleck_folder import OobleckConfig
from v2m.errors import CheckpointError
from v2m.model.dit import DiTConfig


@dataclass(frozen=True)
class PaperConfig:
    """A model; the defaults are the paper's full size."""

    width: int = 2048
    depth: int = 16
    heads: int = 16
    """Heads of 128, which attention kernels are made for; the paper does not say."""

    ff_width: int = 8192
    """Hidden numbers of the gated feed-forward, a multiple of 32."""

    latent_channels: int = 64
    """As in the autoencoders that the paper cites; it does not say its own."""

    latent_scale: float = 1.0
    """The transformer sees latents divided by this, so that music has about the spread of the noise."""

    text_width: int = 2560
    """Of the text encoder's embeddings; Gemma-3-4B has 2560."""

    text_tokens: int = 256
    """Tokens of a prompt that are read, the rest is cut."""

    curve_channels: int = 1
    """1 with the event curve's input column, 0 for a text-to-music model that has not grown it yet."""

    longest_frames: int = 394
    """What it was trained to compose at once: 32 s."""

    steps: int = 96
    text_scale: float = 5.0
    """Guidance by the words. The paper does not say; 3 to 7 is usual for models of this kind."""

    def __post_init__(self) -> None:
        """Refuse what no model can have.

        Raises:
            CheckpointError: a number of the wrong kind or out of range.
        """
        for field in fields(self):
            value, kinds = getattr(self, field.name), (int,) if field.type == "int" else (int, float)
            if isinstance(value, bool) or not isinstance(value, kinds) or not 0 <= value <= 1_000_000:
                raise CheckpointError(f"{field.name} is {value!r}, expected a {field.type} from 0 to 1e6.")
        at_least_1 = (self.width, self.depth, self.heads, self.latent_channels, self.text_width,
                      self.text_tokens, self.longest_frames, self.steps)  # fmt: skip
        if min(at_least_1) < 1 or self.latent_scale == 0 or self.ff_width % 32 or not self.ff_width:
            raise CheckpointError("A size of the model is 0, or ff_width is no multiple of 32.")

    @property
    def network(self) -> DiTConfig:
        """The shape of the transformer: one mask for all channels, no beat grid."""
        return DiTConfig(
            channel_groups=(0,) * self.latent_channels,
            grid_channels=0,
            curve_channels=self.curve_channels,
            width=self.width,
            depth=self.depth,
            heads=self.heads,
            ff_multiple=1.5 * self.ff_width / self.width,  # of which DiTConfig.ff_width is two thirds
            text_width=self.text_width,
        )


def paper_autoencoder() -> OobleckConfig:
    """An autoencoder of the paper's rate: Stable Audio Open's, with a stride of 7 for one of its 4."""
    return OobleckConfig(downsampling_ratios=(2, 4, 7, 8, 8))


def read_paper_config(folder: Path) -> PaperConfig:
    """The `config.json` of a folder.

    Raises:
        CheckpointError: an InputError; it is not there, or describes no model of this family.
    """
    path = folder / "config.json"
    return PaperConfig(**known_keys(path, read_config(path), {field.name for field in fields(PaperConfig)}))


def config_text(config: PaperConfig) -> str:
    """What `read_paper_config` reads."""
    return json.dumps(asdict(config), indent=1) + "\n"
