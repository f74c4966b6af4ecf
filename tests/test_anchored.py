"""The anchored reading: a rotation that loses nothing, and the baseline's attribute words."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from debiaslab.errors import UserError
from debiaslab.lexicons import load
from debiaslab.metrics import Scorecard, evaluate
from debiaslab.metrics.anchored import align, anchored
from debiaslab.results import TrialRow
from debiaslab.study.summary import _bent_ruler
from debiaslab.vectors.embeddings import Embeddings

WORDS = [f"w{i}" for i in range(300)] + ["he", "she"]


def space(seed: int = 0, dim: int = 20, words: list[str] = WORDS) -> Embeddings:
    return Embeddings(words, np.random.default_rng(seed).normal(size=(len(words), dim)))


def rotation(seed: int, dim: int = 20) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(dim, dim)))[0]


@pytest.mark.parametrize("length", [1.0, 7.0])
def test_a_rotated_space_is_read_as_its_baseline(length: float) -> None:
    baseline = space()
    turned = Embeddings(WORDS, length * baseline.vectors @ rotation(1))
    fitted = align(turned, baseline)
    assert fitted.fit == pytest.approx(1, abs=1e-6)
    assert fitted.words == len(WORDS)
    np.testing.assert_allclose(fitted.rotation @ fitted.rotation.T, np.eye(20), atol=1e-9)
    found = anchored(turned, baseline)
    np.testing.assert_allclose(found.vectors[:300], length * baseline.vectors[:300], atol=1e-4)


def test_attribute_words_that_moved_do_not_count() -> None:
    baseline = space()
    bent = baseline.vectors.copy()
    bent[-2:] = bent[-2:].mean(axis=0)  # he and she are one: nothing leans any more
    found = anchored(Embeddings(WORDS, bent @ rotation(2)), baseline)
    for word in ("w3", "he", "she"):
        np.testing.assert_allclose(found[word], baseline[word], atol=1e-4)


def test_a_text_without_attribute_words_gets_those_of_its_baseline() -> None:
    baseline = space()
    blind = Embeddings(WORDS[:-2], baseline.vectors[:-2] @ rotation(3))
    found = anchored(blind, baseline)
    assert found.words == tuple(WORDS)
    np.testing.assert_allclose(found.vectors, baseline.vectors, atol=1e-4)


def test_another_attribute_keeps_the_gender_words_where_they_are() -> None:
    baseline, other = space(), space()
    moved = other.vectors.copy()
    moved[-2] = moved[0]
    found = anchored(Embeddings(WORDS, moved), baseline, attribute=["w1"])
    np.testing.assert_allclose(found["he"], found["w0"], atol=1e-5)


def lexical(seed: int, lean: float) -> Embeddings:
    """Return vectors of the lists' words in which male words lean along an axis by ``lean``."""
    lists = [load(name).words for name in ("occupations", "male_words", "female_words")]
    words = [*dict.fromkeys(word for each in lists for word in each), *WORDS[:300]]
    rows = np.random.default_rng(seed).normal(size=(len(words), 20))
    male = set(lists[1])
    rows[:, 0] += [lean * (word in male) for word in words]
    return Embeddings(words, rows)


def test_a_scorecard_with_a_baseline_holds_both_readings() -> None:
    baseline = lexical(0, 6.0)
    bent = Embeddings(baseline.words, lexical(0, 0.0).vectors @ rotation(2))
    groups = ["direct_bias", "similarity"]
    card = evaluate(bent, baseline=baseline, groups=groups, bootstrap=50)
    before = evaluate(baseline, groups=groups, bootstrap=50)
    aligned, *rest = card.anchored
    assert (aligned.metric, aligned.name) == ("alignment", "baseline")
    assert aligned.value == pytest.approx(1, abs=1e-5)
    assert {record.metric for record in rest} == {"direct_bias", "raw_direct_bias"}
    for record in rest:  # only the ruler was bent: by the baseline's nothing changed
        reference = before.record(record.metric, record.name, record.words)
        assert reference is not None
        assert record.value == pytest.approx(reference.value, abs=1e-5)
        assert record.low is None
        assert record.extra["null_high_baseline"] == reference.extra["null_high"]
        assert "null_p_baseline" not in record.extra
    own = card.value("raw_direct_bias", "occupations", "report")
    along = card.reading("anchored").value("raw_direct_bias", "occupations", "report")
    assert own is not None
    assert along is not None
    assert own < 0.7 * along
    assert card.reading("own") is card
    assert Scorecard.from_json(card.to_json()) == card
    assert before.anchored == ()
    assert "anchored" not in json.loads(before.to_json())
    assert evaluate(bent, groups=groups, quick=True, anchor=baseline).anchored[0] == aligned


def test_what_cannot_be_aligned_is_left_out_with_the_reason() -> None:
    (record,) = evaluate(lexical(1, 0), baseline=lexical(0, 0), groups=["direct_bias"]).anchored
    assert record.value is None
    assert record.reason is not None
    assert "do not fit the baseline" in record.reason


def test_a_sweep_warns_where_more_than_half_of_its_gain_is_gender_words_that_moved() -> None:
    base = TrialRow(None, 0.0, 1, 1.67, 1.65, 1.0, 1.67, "a", False, 1.0, 1.67, 1.67)
    tying = replace(base, trial=0, weight=1.0, bias_tune=0.0, bias_own=0.0, bias_anchored=1.65)
    said = _bent_ruler([base, tying], [tying])
    assert said is not None
    assert "fell from 1.67 to 0.00 by the gender words of the same vectors, and to 1.65" in said
    for other in ({"bias_anchored": 0.7}, {"bias_anchored": None}, {"bias_own": 1.6}):
        assert _bent_ruler([base, tying], [replace(tying, **other)]) is None


@pytest.mark.parametrize(
    ("embeddings", "message"),
    [
        (space(dim=19), "length 19 cannot be rotated onto a baseline of length 20"),
        (space(words=WORDS[:50]), "share 50 words.*at least 100"),
        (space(seed=5), "do not fit the baseline.*mean cosine of 0"),
    ],
)
def test_spaces_that_cannot_be_aligned_are_refused(embeddings: Embeddings, message: str) -> None:
    with pytest.raises(UserError, match=message):
        align(embeddings, space())
