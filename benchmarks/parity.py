"""Every pretrained module of ours against its official code, on the same tiny random weights.

    python benchmarks/parity.py --official FOLDER

FOLDER holds checkouts of the official repositories as OWNER+NAME (or OWNER/NAME); a family whose
repositories are not there is skipped with a word. Nothing of them is part of this project.

Layers lie as the original has them, but in rows `as used`: on a CPU linear layers are packed for the
processor, which adds in another order. Guidance magnifies what that rounds; the bar of such a row is
therefore twice what the official code is off its own result in float64, where that is more than the bar.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import parities


def main() -> int:
    """Print the table; fails where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--official", type=Path, required=True, help="folder of official checkouts")
    parser.add_argument("--only", metavar="FAMILY", help="one module of benchmarks/parities")
    arguments = parser.parse_args()
    missed = 0
    print(f"{'module':44} {'worst':>9} {'scale':>9} {'bar':>7}  official")
    for found in pkgutil.iter_modules(parities.__path__):
        if found.name == "row" or (arguments.only and found.name != arguments.only):
            continue
        family = importlib.import_module(f"parities.{found.name}")
        try:
            for row in family.rows(arguments.official):
                missed += not row.worst <= row.bar
                print(
                    f"{row.module:44} {row.worst:9.1e} {row.scale:9.2g} {row.bar:7.0e}  {row.official}"
                    + (f" ({row.note})" if row.note else "")
                    + ("" if row.worst <= row.bar else "  MISSED"),
                    flush=True,
                )
        except FileNotFoundError as error:
            print(f"{found.name}: skipped, {error} is not there")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
