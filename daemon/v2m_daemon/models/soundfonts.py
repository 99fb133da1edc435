"""SoundFonts that can be added."""

from __future__ import annotations

from typing import Final

from v2m.licences import Licence
from v2m_daemon.models.model import Model, ModelFile

MUSESCORE_GENERAL: Final = Model(
    name="musescore-general",
    kind="soundfont",
    summary="MuseScore General: recorded pianos, strings, brass, guitars and drum kits in place of the small "
    "General MIDI font that comes along.",
    licence=Licence(
        "MIT",
        "Copyright 2000-2008 Frank Wen, 2014-2017 Michael Cowgill, 2018-2021 S. Christian Collins. MIT, "
        "parts CC0 or public domain: use it for anything; keep this notice with copies of the SoundFont.",
        "https://ftp.osuosl.org/pub/musescore/soundfont/MuseScore_General",
    ),
    memory_bytes=100_000_000,
    size_bytes=39_900_972,
    files=(
        ModelFile(
            name="MuseScore_General.sf3",
            editions={
                "5b85b6c2c61d10b2b91cddd41efcce7b25cd31c8271d511c73afafbef20b6fa3": "0.2, of its makers",
                "916aaca6b0eb9f9083eb42399614acb2ff4ec72ce28dffff1814592a9696b479": "0.2.1, of Debian",
            },
            url="https://ftp.osuosl.org/pub/musescore/soundfont/MuseScore_General/MuseScore_General.sf3",
        ),
    ),
    manual="On Debian and Ubuntu `apt install musescore-general-soundfont-small` puts it where V2M looks.",
    system_names=("musescore_general",),
)

SOUNDFONTS: Final = (MUSESCORE_GENERAL,)
