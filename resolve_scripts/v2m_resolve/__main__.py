"""`python resolve_scripts/v2m_resolve ENTRY`: a folder that is run finds its own package."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from v2m_resolve.entries import main

if __name__ == "__main__":
    raise SystemExit(main())
