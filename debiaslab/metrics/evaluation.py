"""Measuring one set of vectors with every metric of the scorecard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tqdm import tqdm

from debiaslab.errors import UserError
from debiaslab.lexicons import AssociationTest, Attribute, association_tests
from debiaslab.metrics.analogy_sets import AnalogySet
from debiaslab.metrics.baseline import Baseline
from debiaslab.metrics.bootstrap import RESAMPLES
from debiaslab.metrics.effort import Effort
from debiaslab.metrics.groups import Subject, group_records, measured_groups
from debiaslab.metrics.permutation import DRAWS
from debiaslab.metrics.scorecard import Record, Scorecard
from debiaslab.metrics.similarity_sets import SimilaritySet, default_similarity_sets
from debiaslab.vectors.embeddings import Embeddings

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

_SILENCE = 2.0  # seconds before a progress bar appears
_LARGE_PRODUCTS = ("analogies", "overlap")


def evaluate(
    embeddings: Embeddings | KeyedVectors,
    *,
    name: str = "",
    seed: int = 0,
    bootstrap: int = RESAMPLES,
    quick: bool = False,
    similarity: Sequence[SimilaritySet] | None = None,
    baseline: Embeddings | KeyedVectors | Baseline | None = None,
    groups: Sequence[str] | None = None,
    analogies: Sequence[AnalogySet] | None = None,
    attributes: Sequence[Attribute] = (),
    tests: Sequence[AssociationTest] = (),
    lipstick_nulls: bool = True,
    progress: bool = False,
) -> Scorecard:
    """Measure bias, utility and collapse on all, tune and report words.

    Args:
        embeddings: The vectors, gensim's or ours, the most frequent words first (the null draws
            from the first 10,000). Where they cannot stand so, a record ``order`` warns of it.
        name: What to call the vectors in the scorecard.
        seed: Seed of permutations, bootstrap, nulls and samples; the same seed gives the same JSON.
        bootstrap: Resamples for the intervals; 0 for none.
        quick: Values only, of what is cheap: no intervals, no p-values, no nulls.
        similarity: Similarity sets; WordSim-353 and SimLex-999 when None.
        baseline: The vectors before debiasing: adds retention, overlap, the lipstick tests, and the
            baseline's nulls as the fixed yardstick (``null95_baseline`` of each ``weat`` record). A
            ``Baseline`` of them serves several calls faster; with the ``Baseline`` of
            ``embeddings`` themselves nothing is added.
        groups: Which groups to measure, see ``groups.GROUPS``; None for those that suit the rest.
            ``collapse`` is always measured.
        analogies: Sets of analogy questions, which adds their group. None: no analogies, which is
            what a study of hundreds of runs wants; Google's, when the group is named.
        attributes: Attributes besides gender, of a lexicon file, which adds their group; two
            classes that both have stereotypes are among the association tests as well.
        tests: Association tests besides those that ship, of a lexicon file.
        lipstick_nulls: Whether the lipstick tests, too, are held against random words. That takes
            seconds (a classifier for each of 20 axes), which a study does without.
        progress: Whether to draw a progress bar on stderr when it takes more than two seconds.

    Returns:
        Records in a fixed order, group by group: ``weat`` (value ``d``; extra ``statistic``, its
        interval, ``p_two_sided``, ``null95``, set sizes), the other association metrics, geometry
        (``direct_bias`` first), ``similarity`` and the rest, ``collapse`` last. What cannot be
        measured is there with a reason.

    Raises:
        UserError: A group is unknown; two association tests have one name; or ``similarity`` is
            None and gensim, which carries the sets, is not installed; or ``embeddings`` or
            ``baseline`` are no vectors.
    """
    embeddings = _as_embeddings(embeddings)
    sets = default_similarity_sets() if similarity is None else similarity
    itself = isinstance(baseline, Baseline) and baseline.embeddings is embeddings
    held = None if baseline is None else _as_baseline(baseline)
    own, before = (held, None) if itself else (None, held)
    handed_in = {
        "baseline": before is not None,
        "analogies": analogies is not None,
        "attributes": bool(attributes),
    }
    given = [what for what, there in handed_in.items() if there]
    chosen = measured_groups(groups, quick=quick, given=given)
    effort = Effort(seed, 0 if quick else bootstrap, 0 if quick else DRAWS, null=not quick)
    own_tests = _own_tests(tests, attributes)
    subject = Subject(
        embeddings,
        effort,
        sets,
        analogies,
        attributes,
        own_tests,
        own,
        before,
        lipstick_nulls,
    )
    records: list[Record] = []
    with tqdm(chosen, desc=name, unit="group", delay=_SILENCE, disable=not progress) as bar:
        for group in bar:
            bar.set_postfix_str(group, refresh=False)
            with _blas_threads(group):
                records += group_records(group, subject)
    return Scorecard(name, (*records, *_order(embeddings)))


def _order(embeddings: Embeddings) -> Iterator[Record]:
    """Yield one record, with a warning, where the words cannot stand by falling frequency."""
    if (problem := embeddings.order_warning()) is not None:
        reason = "the most frequent words are not the first ones"
        yield Record("order", "frequency", "all", None, reason=reason, extra={"warning": problem})


@contextmanager
def _blas_threads(group: str) -> Iterator[None]:
    """Multiply small matrices in one thread: beside other work two would wait for each other.

    Measured with another process on both cores: a fifth of the processor time.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(None if group in _LARGE_PRODUCTS else 1, user_api="blas"):
        yield


def _as_baseline(baseline: Embeddings | KeyedVectors | Baseline) -> Baseline:
    return baseline if isinstance(baseline, Baseline) else Baseline(_as_embeddings(baseline))


def _as_embeddings(vectors: Embeddings | KeyedVectors) -> Embeddings:
    if isinstance(vectors, Embeddings):
        return vectors
    if hasattr(vectors, "index_to_key"):
        return Embeddings.from_keyed_vectors(vectors)
    raise UserError(
        f"a {type(vectors).__name__} is no set of vectors",
        allowed="debiaslab.Embeddings or gensim's KeyedVectors",
        next_step="debiaslab.Embeddings.load(FILE)",
    )


def _own_tests(
    tests: Sequence[AssociationTest], attributes: Sequence[Attribute]
) -> tuple[AssociationTest, ...]:
    """Return the tests of the user and of the attributes, whose names nothing else has."""
    found = (*tests, *(each.test for each in attributes if each.test is not None))
    known = {each.name for each in association_tests()}
    for test in found:
        if test.name in known:
            raise UserError(
                f"two association tests are called {test.name!r}",
                next_step="another name for the one in the lexicon file",
            )
        known.add(test.name)
    return found
