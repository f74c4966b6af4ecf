"""SemBias: the rows as published, and the shares of its three kinds of pairs."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from debiaslab.errors import UserError
from debiaslab.lexicons import half_of
from debiaslab.lexicons.tables import SemBiasRow, load_sembias
from debiaslab.metrics.cases import Resampling
from debiaslab.metrics.sembias import sembias
from debiaslab.vectors.embeddings import Embeddings
from tests.toys import embeddings_of, records_of

PUBLISHED = Path(__file__).resolve().parents[2] / "shared" / "data" / "bias" / "sembias" / "SemBias"
# sha256 of the published file (uclanlp/gn_glove at 7e0c7ca)
DIGEST = "7235254288be2cfaa0d1fa662dff2883e4cd5cb44e03d3d343b7a802790b015d"


def published_text():
    """Write the rows as the published file does."""
    lines = ((row.definition, *row.none, row.stereotype) for row in load_sembias().rows)
    return "".join("\t".join(":".join(pair) for pair in line) + "\n" for line in lines)


def test_the_published_file_is_rebuilt_exactly():
    text = published_text()
    assert hashlib.sha256(text.encode()).hexdigest() == DIGEST
    if PUBLISHED.exists():
        assert text == PUBLISHED.read_text()


def test_rows_are_22_definitions_by_20_stereotypes_with_40_held_out():
    rows = load_sembias().rows
    assert len(rows) == len({(row.definition, row.stereotype) for row in rows}) == 440
    assert len({row.definition for row in rows}) == 22
    assert len({row.stereotype for row in rows}) == 20
    assert [row.held_out for row in rows] == [False] * 400 + [True] * 40
    held_out = load_sembias().half("all", held_out=True)
    assert {row.definition for row in held_out} == {
        ("rake", "coquette"),
        ("nobleman", "noblewoman"),
    }


def test_halves_hold_rows_whose_stereotype_words_are_both_in_them():
    halves = {half: load_sembias().half(half) for half in ("tune", "report")}
    for half, rows in halves.items():
        assert len(rows) >= 22
        assert {half_of(word) for row in rows for word in row.stereotype} == {half}
    assert not set(halves["tune"]) & set(halves["report"])
    with pytest.raises(UserError, match="half"):
        load_sembias().half("both")


def test_source_and_version():
    lexicon = load_sembias()
    assert "Zhao" in lexicon.citation
    assert "Apache-2.0" in lexicon.licence
    assert lexicon.version.startswith("1.0+")


# By hand: he − she is the first axis. A pair's score is the cosine of its difference with it.
TOY = {
    "he": (1, 0, 0),
    "she": (-1, 0, 0),
    "king": (0.8, 0.6, 0),
    "queen": (-0.8, 0.6, 0),  # score 1
    "doctor": (0, 0, 1),
    "nurse": (-0.6, 0.8, 0),  # 0.6 / √(0.36 + 0.64 + 1)
    "boss": (1, 0.1, 0),
    "clerk": (-1, 0.1, 0),  # score 1: a tie with king : queen
    "cup": (0, 1, 0),
    "lid": (0, 0, 1),  # score 0
    "pen": (0.6, 0.0, 0.8),
    "ink": (-0.6, 0.0, 0.8),  # score 1
}
DEFINITION, STEREOTYPE, TIED, NONE, WRONG = (
    ("king", "queen"),
    ("doctor", "nurse"),
    ("boss", "clerk"),
    ("cup", "lid"),
    ("ink", "pen"),
)
TOY_ROWS = (
    SemBiasRow(DEFINITION, STEREOTYPE, (NONE, NONE), False),  # definition
    SemBiasRow(DEFINITION, TIED, (NONE, WRONG), False),  # definition and stereotype tie
    SemBiasRow(NONE, STEREOTYPE, (WRONG, NONE), False),  # stereotype
    SemBiasRow(NONE, NONE, (WRONG, ("pen", "ink")), False),  # none
)


def shares(result):
    return result.definition, result.stereotype, result.none


def test_shares_by_hand():
    result = sembias(embeddings_of(TOY), TOY_ROWS)
    assert shares(result) == pytest.approx((1.5 / 4, 1.5 / 4, 1 / 4))
    assert (result.n, result.rows, result.coverage, result.missing) == (4, 4, 1.0, ())
    assert result.reason is None
    for low, high in (result.definition_interval, result.stereotype_interval, result.none_interval):
        assert 0 <= low <= high <= 1
    assert sembias(embeddings_of(TOY), TOY_ROWS, bootstrap=0).definition_interval == (None, None)


def test_rows_with_missing_words_are_left_out_counted_and_named():
    missing = SemBiasRow(("duke", "duchess"), STEREOTYPE, (NONE, NONE), True)
    result = sembias(embeddings_of(TOY), (*TOY_ROWS, missing))
    assert shares(result) == pytest.approx((1.5 / 4, 1.5 / 4, 1 / 4))
    assert (result.n, result.rows, result.missing) == (4, 5, ("duke", "duchess"))
    few = sembias(embeddings_of(TOY), (*TOY_ROWS[:3], missing))
    assert (few.definition, few.n) == (None, 3)
    assert few.reason == (
        "3 of 4 rows have all their words in the vectors (missing: duke, duchess), needs 4"
    )


def test_he_and_she_are_needed_and_must_differ():
    without = {word: vector for word, vector in TOY.items() if word != "she"}
    assert "she" in sembias(embeddings_of(without), TOY_ROWS).reason
    same = {**TOY, "she": (2, 0, 0)}
    assert sembias(embeddings_of(same), TOY_ROWS).reason == "he and she have the same vectors"


def test_collapsed_and_zero_vectors_are_not_measured():
    point = dict.fromkeys(TOY, (1.0, 2.0, 3.0)) | {"he": (1, 0, 0), "she": (0, 1, 0)}
    assert "collapsed" in sembias(embeddings_of(point), TOY_ROWS).reason
    assert (
        sembias(embeddings_of({**TOY, "cup": (0, 0, 0)}), TOY_ROWS).reason
        == "all-zero vectors: cup"
    )


def random_vectors(seed, dim=12):
    words = ["he", "she", *(w for row in load_sembias().rows for w in words_of(row))]
    words = list(dict.fromkeys(words))
    return words, np.random.default_rng(seed).normal(size=(len(words), dim))


def words_of(row):
    return [word for pair in (row.definition, row.stereotype, *row.none) for word in pair]


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 1000))
def test_rotation_lengths_and_order_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    words, matrix = random_vectors(seed)
    rows = load_sembias().rows
    result = sembias(Embeddings(words, matrix), rows, bootstrap=0)
    assert sum(shares(result)) == pytest.approx(1)
    turned = matrix @ np.linalg.qr(rng.normal(size=(12, 12)))[0]
    longer = matrix * rng.uniform(0.5, 4, size=(len(words), 1))
    shuffled = rng.permutation(len(words))
    others = (
        Embeddings(words, turned),
        Embeddings(words, longer),
        Embeddings([words[i] for i in shuffled], matrix[shuffled]),
    )
    for other in others:
        assert shares(sembias(other, rows, bootstrap=0)) == pytest.approx(shares(result))
    assert shares(sembias(others[2], rows[::-1], bootstrap=0)) == pytest.approx(shares(result))


def test_random_vectors_are_at_chance_and_the_swap_asks_the_opposite():
    rows = load_sembias().rows
    spaces = [Embeddings(*random_vectors(seed)) for seed in range(20)]
    found = [shares(sembias(each, rows, bootstrap=0)) for each in spaces]
    assert np.sum(found, axis=1) == pytest.approx(np.ones(20))
    assert np.mean(found, axis=0) == pytest.approx([0.25, 0.25, 0.5], abs=0.1)
    swap = sembias(spaces[0], rows, pair=("she", "he"), bootstrap=0)
    turned = [
        dataclasses.replace(
            row,
            definition=row.definition[::-1],
            stereotype=row.stereotype[::-1],
            none=tuple(pair[::-1] for pair in row.none),
        )
        for row in rows
    ]
    assert shares(swap) == shares(sembias(spaces[0], turned, bootstrap=0))


def test_the_interval_is_wider_than_one_that_takes_rows_for_independent():
    words, matrix = random_vectors(1)
    result = sembias(Embeddings(words, matrix), load_sembias().rows)
    low, high = result.definition_interval
    independent = 2 * 1.96 * np.sqrt(result.definition * (1 - result.definition) / 440)
    assert low < result.definition < high
    assert high - low > 1.5 * independent
    assert result == sembias(Embeddings(words, matrix), load_sembias().rows)


def test_scorecard_has_three_shares_of_all_rows_and_of_the_subset():
    words, matrix = random_vectors(2)
    effort = Resampling(0, 100, 0, False)
    records = [
        record
        for record in records_of("geometry", Embeddings(words, matrix), effort)
        if record.metric == "sembias"
    ]
    by_name = {(record.name, record.words): record for record in records}
    assert len(by_name) == len(records) == 18
    assert by_name["stereotype", "all"].n == 440
    assert by_name["held_out_stereotype", "all"].n == 40
    for prefix in ("", "held_out_"):
        for half in ("all", "tune", "report"):
            each = [by_name[prefix + name, half] for name in ("definition", "stereotype", "none")]
            assert sum(record.value for record in each) == pytest.approx(1)
