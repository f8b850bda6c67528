"""Campaigns: one thing tried very often, by chance from a seed; bounded as tests, larger by hand.

``python -m tests.campaigns NAME --n 200 --seed 7`` prints figures, and ends with exit code 1 if anything was wrong.
"""

import sys
from pathlib import Path

# Where pytest finds what tests share, so that it is found by hand, too.
if (TESTS := str(Path(__file__).parents[1])) not in sys.path:
    sys.path.append(TESTS)
