"""The bias metrics that take words, on words with a planted bias and on words without one."""

from __future__ import annotations

from collections.abc import Callable

from debiaslab.metrics import Record, Scorecard
from debiaslab.metrics.null import random_words
from debiaslab.study import planted_association as of_words
from debiaslab.study import planted_geometry as of_pairs
from debiaslab.study.planted_subject import Subject, neighbors_of
from debiaslab.study.planted_words import PlantedWords
from debiaslab.vectors.embeddings import Embeddings

PLANTED, CONTROL = "planted", "control"

Measure = Callable[[Subject], Record]

_BOTH_BEFORE: tuple[Measure, ...] = (of_words.weat_statistic, of_words.weat_d)
_BOTH_AFTER: tuple[Measure, ...] = (
    of_pairs.direct,
    of_words.same_size,
    of_words.classifier,
    of_words.coherence,
    of_words.mean_distance,
)
_TOGETHER: tuple[Measure, ...] = (
    *_BOTH_BEFORE,
    of_words.association,
    of_words.sc_weat_signed,
    of_pairs.projection,
    of_pairs.ripa_raw,
    of_pairs.ripa_normalised,
    of_words.rnd_norm,
    of_words.rnd_cosine,
    of_pairs.neighbors,
    of_pairs.indirect,
    *_BOTH_AFTER,
)
_APART: tuple[Measure, ...] = (
    *_BOTH_BEFORE,
    of_pairs.factual,
    of_pairs.neighbors_r,
    of_words.sc_weat_size,
    *_BOTH_AFTER,
)


def measure_planted(
    embeddings: Embeddings, words: PlantedWords, *, apart: bool = False, seed: int = 0
) -> Scorecard:
    """Measure the chosen words and the control words with every metric that takes words.

    Metrics that have a sign are positive for male. WEAT compares the chosen words with the control
    words, and the control words with others without a dose; RNSB takes the two sets
    together. ``extra`` has ``null_median``, ``null_low`` and ``null_high``: the middle 95 % of what
    random words of the pool show in the same vectors, ``null_undefined`` how many of their sets
    were left out because the metric is undefined for them, ``null_zeros`` how many words of the
    pool were never drawn because their vector is all zeros; without a null, ``null_reason`` is why.

    Args:
        embeddings: The vectors.
        words: The words, see ``planted_words``.
        apart: Whether every other chosen word was pulled to the other side. Measured is then what
            tells words of one list apart; WEAT compares its two halves.
        seed: Seed of the random words.
    """
    pool = random_words(embeddings, set(embeddings.words) - set(words.pool), len(embeddings.words))
    near = neighbors_of(embeddings, (*words.chosen, *words.pool))
    subjects = (
        Subject(PLANTED, embeddings, words.chosen, words.control, pool, near, seed, apart),
        Subject(CONTROL, embeddings, words.control, words.other, pool, near, seed, apart),
    )
    measures = _APART if apart else _TOGETHER
    return Scorecard(
        "planted", tuple(measure(subject) for subject in subjects for measure in measures)
    )
