"""The penalty whose price is measured: 300 neutral words and 10 gender pairs at every step."""

from __future__ import annotations

from collections.abc import Sequence

from debiaslab import lexicons
from debiaslab.regularizers import BoundPenalty, ProjectionPenalty

WORDS, PAIRS = 300, 10
WEIGHT = 1.0  # λ: large, so that steps are cut into sub-steps
_HIDDEN = "<UNK>"  # the one word that no cover holds


def projection_over_300_words(vocabulary: Sequence[str]) -> BoundPenalty:
    """Return the projection penalty, bound to the words of a vocabulary.

    Its neutral words are the most frequent non-gender words of more than 3 letters, its pairs the
    first found.
    """
    pairs = [
        pair
        for pair in lexicons.load_pairs("gender_pairs").pairs
        if pair[0] in vocabulary and pair[1] in vocabulary
    ][:PAIRS]
    shown = {word for pair in pairs for word in pair}
    neutral = (w for w in vocabulary if len(w) > 3 and w.lower() not in lexicons.gender_words())
    shown.update(word for word, _ in zip(neutral, range(WORDS), strict=False))
    known = [word if word in shown else _HIDDEN for word in vocabulary]
    return BoundPenalty(ProjectionPenalty(weight=WEIGHT), known, "all", pairs)
