"""Measuring one set of vectors with every metric of the scorecard."""

from __future__ import annotations

from collections.abc import Sequence

from tqdm import tqdm

from debiaslab.embeddings import Embeddings
from debiaslab.lexicons import Attribute
from debiaslab.metrics.analogy_sets import AnalogySet
from debiaslab.metrics.bootstrap import RESAMPLES
from debiaslab.metrics.effort import Effort
from debiaslab.metrics.groups import Subject, group_records, measured_groups
from debiaslab.metrics.permutation import DRAWS
from debiaslab.metrics.scorecard import Record, Scorecard
from debiaslab.metrics.similarity_sets import SimilaritySet, default_similarity_sets

_SILENCE = 2.0  # seconds before a progress bar appears


def evaluate(
    embeddings: Embeddings,
    *,
    name: str = "",
    seed: int = 0,
    bootstrap: int = RESAMPLES,
    quick: bool = False,
    similarity: Sequence[SimilaritySet] | None = None,
    baseline: Embeddings | None = None,
    groups: Sequence[str] | None = None,
    analogies: Sequence[AnalogySet] | None = None,
    attributes: Sequence[Attribute] = (),
    progress: bool = False,
) -> Scorecard:
    """Measure bias, utility and collapse on all, tune and report words.

    Args:
        embeddings: The vectors, the most frequent words first (the null draws from the first
            10,000).
        name: What to call the vectors in the scorecard.
        seed: Seed of permutations, bootstrap, nulls and samples; the same seed gives the same JSON.
        bootstrap: Resamples for the intervals; 0 for none.
        quick: Values only, of what is cheap: no intervals, no p-values, no nulls.
        similarity: Similarity sets; WordSim-353 and SimLex-999 when None.
        baseline: The vectors before debiasing: adds retention, overlap, the lipstick tests, and the
            baseline's nulls as the fixed yardstick (``null95_baseline`` of each ``weat`` record).
        groups: Which groups to measure, see ``groups.GROUPS``; None for those that suit the rest.
        analogies: Sets of analogy questions, which adds their group; None: when the group is named,
            Google's.
        attributes: Attributes besides gender, of a lexicon file, which adds their group.
        progress: Whether to draw a progress bar on stderr when it takes more than two seconds.

    Returns:
        Records in a fixed order, group by group: ``weat`` (value ``d``; extra ``statistic``, its
        interval, ``p_two_sided``, ``null95``, set sizes), the other association metrics, geometry
        (``direct_bias`` first), ``similarity`` and the rest, ``collapse`` last. What cannot be
        measured is there with a reason.

    Raises:
        UserError: A group is unknown; or ``similarity`` is None and gensim, which carries the sets,
            is not installed.
    """
    sets = default_similarity_sets() if similarity is None else similarity
    handed_in = {
        "baseline": baseline is not None,
        "analogies": analogies is not None,
        "attributes": bool(attributes),
    }
    given = [what for what, there in handed_in.items() if there]
    chosen = measured_groups(groups, quick=quick, given=given)
    effort = Effort(seed, 0 if quick else bootstrap, 0 if quick else DRAWS, null=not quick)
    subject = Subject(embeddings, effort, sets, analogies, attributes, baseline)
    records: list[Record] = []
    with tqdm(chosen, desc=name, unit="group", delay=_SILENCE, disable=not progress) as bar:
        for group in bar:
            bar.set_postfix_str(group, refresh=False)
            records += group_records(group, subject)
    return Scorecard(name, tuple(records))
