"""`python -m v2m_training`: what `torchrun -m` and `accelerate launch -m` start."""

import sys

from v2m_training.cli import main

if __name__ == "__main__":
    sys.exit(main())
