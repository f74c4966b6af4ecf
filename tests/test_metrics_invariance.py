"""What must hold of every number of the scorecard, whichever metric made it.

Parametrised by the groups of the scorecard and comparing all of their records, so that a new metric
or group is held to it without being named here; exceptions are named, and must be exceptions.
"""

from functools import cache

import numpy as np
import pytest

from debiaslab.lexicons import association_tests, attribute, load, load_pairs
from debiaslab.lexicons.tables import load_occupation_women, load_sembias, occupation_women_names
from debiaslab.metrics import AnalogySection, AnalogySet, SimilaritySet, evaluate
from debiaslab.metrics.evaluation import GROUPS
from debiaslab.metrics.sembias import words_of
from debiaslab.vectors.embeddings import Embeddings

DIM = 24

LENGTH_COUNTS = {"ripa", "rnsb", "norm_spread"}
"""Metrics, or names of checks, whose formula has lengths in it; all others are cosines."""

ORDER_IS_FREQUENCY = {"neighbor_overlap"}
"""Metrics that sample by rank: the order of the vocabulary says how frequent a word is."""

COUNTED = {"lipstick", "sembias", "neighbor_overlap", "analogies_3cosadd", "analogies_3cosmul"}
"""Shares of words or questions: rounding can turn a single one."""

ATTRIBUTES = tuple(map(attribute, ("gender", "race", "religion", "christianity_islam")))
FILLER = tuple(
    "qz" + "".join(chr(ord("a") + i // 26**power % 26) for power in (1, 0)) for i in range(200)
)


@cache
def vocabulary() -> tuple[str, ...]:
    listed = [load(name).words for name in ("occupations", "male_words", "female_words")]
    listed += [each for test in association_tests() for each in test.half("all")]
    listed += [pair for name in ("definitional_pairs",) for pair in load_pairs(name).pairs]
    listed += [words_of(row) for row in load_sembias().half("all")]
    listed += [tuple(load_occupation_women(name).half("all")) for name in occupation_women_names()]
    for each in ATTRIBUTES:
        words = each.half("all")
        listed += [*words.classes.values(), *words.stereotypes.values(), *words.definitional_sets]
    return tuple(dict.fromkeys([word for words in listed for word in words] + list(FILLER)))


ANALOGIES = AnalogySet(
    "made up",
    (AnalogySection("pairs", tuple(FILLER[i : i + 4] for i in range(0, 120, 4))),),
)
Key = tuple[str, str, str]


@cache
def spaces(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return off-centre vectors of unequal lengths: the baseline, and one with less of an axis."""
    rng = np.random.default_rng(seed)
    words = len(vocabulary())
    before = (rng.normal(size=(words, DIM)) + 0.4) * rng.uniform(0.5, 3, (words, 1))
    after = before + 0.3 * rng.normal(size=before.shape)
    after[:, 0] *= 0.3
    return before, after


@cache
def judged(seed: int) -> SimilaritySet:
    """Return pairs of words scored by their cosine in the baseline, so that there is a utility."""
    before = Embeddings(vocabulary(), spaces(seed)[0])
    pairs = zip(FILLER[:120:2], FILLER[1:120:2], strict=True)
    return SimilaritySet("made up", tuple((a, b, before.cosine(a, b)) for a, b in pairs))


def numbers(group: str, seed: int, before: Embeddings, after: Embeddings) -> dict[Key, float]:
    """Return every value of a group by metric, name and half, and WEAT's statistic."""
    made = {"similarity": [judged(seed)], "analogies": [ANALOGIES], "attributes": ATTRIBUTES}
    card = evaluate(after, quick=True, groups=[group], baseline=before, **made)
    own = [record for record in card.records if group == "collapse" or record.metric != "collapse"]
    found = {(r.metric, r.name, r.words): r.value for r in own if r.value is not None}
    for record in own:
        if record.extra.get("statistic") is not None:
            found[f"{record.metric} s", record.name, record.words] = record.extra["statistic"]
    assert found, [record.reason for record in own]
    return found


@cache
def measured(group: str, seed: int) -> dict[Key, float]:
    return numbers(group, seed, *(Embeddings(vocabulary(), each) for each in spaces(seed)))


rng = np.random.default_rng(8)
TURN, _ = np.linalg.qr(rng.normal(size=(DIM, DIM)))
LENGTHS = rng.uniform(0.3, 3, (len(vocabulary()), 1))
ORDER = rng.permutation(len(vocabulary()))
CHANGES = {
    "rotation": (lambda rows: Embeddings(vocabulary(), rows @ TURN), set()),
    "lengths": (lambda rows: Embeddings(vocabulary(), rows * LENGTHS), LENGTH_COUNTS),
    "order": (
        lambda rows: Embeddings([vocabulary()[i] for i in ORDER], rows[ORDER]),
        ORDER_IS_FREQUENCY,
    ),
}


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("seed", [20, 21])
def test_what_a_formula_does_not_have_does_not_matter(group, change, seed):
    make, but = CHANGES[change]
    expected = measured(group, seed)
    changed = numbers(group, seed, *map(make, spaces(seed)))
    assert changed.keys() == expected.keys()
    for key, value in expected.items():
        if not but & set(key[:2]):
            close = 0.04 if key[0] in COUNTED else 1e-4
            assert changed[key] == pytest.approx(value, rel=1e-4, abs=close), key
        elif change == "lengths":
            assert changed[key] != pytest.approx(value, rel=1e-3), key


def test_the_exceptions_are_metrics_of_the_scorecard():
    keys = {part for group in GROUPS for key in measured(group, 20) for part in key[:2]}
    assert keys >= LENGTH_COUNTS | ORDER_IS_FREQUENCY | COUNTED
