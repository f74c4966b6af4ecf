"""The sentiment words RNSB is trained on when none are given: WEAT's pleasant and unpleasant.

They stand in for the opinion lexicons of thousands of words, whose terms do not let them ship.
"""

from __future__ import annotations

from debiaslab.lexicons import load

PLEASANT: tuple[str, ...] = load("pleasant_5").words
UNPLEASANT: tuple[str, ...] = load("unpleasant_5a").words
