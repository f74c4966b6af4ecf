"""Measuring one set of vectors with every metric of the scorecard."""

from __future__ import annotations

from collections.abc import Sequence

from debiaslab.embeddings import Embeddings
from debiaslab.metrics.bootstrap import RESAMPLES
from debiaslab.metrics.effort import Effort
from debiaslab.metrics.permutation import DRAWS
from debiaslab.metrics.scorecard import Scorecard
from debiaslab.metrics.scored import collapse, direct_bias, weat
from debiaslab.metrics.scored.similarity import records as similarity_records
from debiaslab.metrics.similarity_sets import SimilaritySet, default_similarity_sets


def evaluate(
    embeddings: Embeddings,
    *,
    name: str = "",
    seed: int = 0,
    bootstrap: int = RESAMPLES,
    quick: bool = False,
    similarity: Sequence[SimilaritySet] | None = None,
) -> Scorecard:
    """Measure bias, similarity and collapse on all, tune and report words.

    Args:
        embeddings: The vectors, the most frequent words first (the null draws from the first
            10,000).
        name: What to call the vectors in the scorecard.
        seed: Seed of permutations, bootstrap, nulls and samples; the same seed gives the same JSON.
        bootstrap: Resamples for the intervals; 0 for none.
        quick: Values only: no intervals, no p-values, no nulls.
        similarity: Similarity sets; WordSim-353 and SimLex-999 when None.

    Returns:
        Records in a fixed order: ``weat`` (value ``d``; extra ``statistic``, its interval,
        ``p_two_sided``, ``permutations``, ``null95``, set sizes), ``direct_bias``,
        ``similarity`` (extra ``coverage``, ``pairs``) and ``collapse``. What cannot be measured is
        there with a reason.

    Raises:
        UserError: ``similarity`` is None and gensim, which carries the sets, is not installed.
    """
    effort = Effort(seed, 0 if quick else bootstrap, 0 if quick else DRAWS, null=not quick)
    sets = default_similarity_sets() if similarity is None else similarity
    return Scorecard(
        name,
        (
            *weat.records(embeddings, effort),
            *direct_bias.records(embeddings, effort),
            *similarity_records(embeddings, sets, effort),
            *collapse.records(embeddings, effort),
        ),
    )
