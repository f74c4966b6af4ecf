"""Stratified noise: negatives from the noise of the stratum that a pair's place is in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from debiaslab import Corpus, TrainSettings, train
from debiaslab.errors import UserError
from debiaslab.regularizers import bind_strategy, create, train_inputs
from debiaslab.regularizers.noise import Strata, _stretches
from debiaslab.sgns import Checkpoints

MALE, FEMALE = ["his", "man", "father"], ["her", "woman", "mother"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Documents about men or women, each with words of its own topic and words of all topics."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("noise")
    lines = []
    for _ in range(1500):
        gender = rng.integers(2)
        topic = rng.choice(["a", "b"], p=[0.9, 0.1] if gender else [0.1, 0.9])
        words = [f"{topic}{i}" for i in rng.integers(0, 10, 14)]
        words += [f"c{i}" for i in rng.integers(0, 30, 12)]
        words += list(rng.choice(FEMALE if gender else MALE, 4))
        lines.append(" ".join(rng.permutation(words)))
    (folder / "text.txt").write_text("\n".join(lines) + "\n")
    return Corpus.build([folder / "text.txt"], cache=folder / "cache", progress=False)


def settings(**changes: object) -> TrainSettings:
    usual = TrainSettings(dim=16, epochs=6, subsample=0.0, batch_size=32)
    return replace(usual, **changes)  # type: ignore[arg-type]


def vectors(corpus: Corpus, strategy: str, weight: float = 1.0, **changes: object) -> NDArray:
    bound = bind_strategy(create(strategy, weight=weight), corpus.words, corpus.counts, seed=1)
    result = train(corpus, settings(**changes), **train_inputs(bound), progress=False)
    return bound.finish(result.embeddings).vectors


def strata_of(corpus: Corpus, weight: float = 1.0, name: str = "stratified-noise") -> Strata:
    bound = bind_strategy(create(name, weight=weight), corpus.words, corpus.counts, seed=1)
    assert bound.strata is not None
    return bound.strata


def pieces(corpus: Corpus) -> Iterator[tuple[int, NDArray[np.int32]]]:
    yield 0, np.asarray(corpus.ids)


def noise_of(corpus: Corpus) -> NDArray[np.float64]:
    noise = corpus.counts**0.75
    return noise / noise.sum()


def test_the_strata_are_what_most_gender_words_of_a_stretch_say(corpus: Corpus) -> None:
    texts = ["his c1 c2", "her woman his", "c1 c2 c3", "his her c4"]
    ids: list[int] = []
    for text in texts:
        ids += [*(corpus.index[word] for word in text.split()), -1]
    found = strata_of(corpus).strata(np.array(ids, np.int32), 0)
    assert found.tolist() == [1] * 4 + [2] * 4 + [0] * 8
    long = np.full(121, corpus.index["c1"], np.int32)  # three stretches of 40, one of which tells
    long[5], long[-1] = corpus.index["her"], -1
    assert strata_of(corpus).strata(long, 0).tolist() == [2] * 121
    long[85] = long[86] = corpus.index["his"]  # silent stretches are as the document
    assert np.bincount(strata_of(corpus).strata(long, 0)).tolist() == [0, 80, 41]


@pytest.mark.parametrize(("size", "parts"), [(1, 1), (149, 1), (151, 2), (1000, 10)])
def test_long_documents_are_cut_into_equal_stretches(size: int, parts: int) -> None:
    ids = np.array([*[0] * (size - 1), -1, *[0] * 9, -1], np.int32)
    first, lengths, document = _stretches(ids, 100)
    assert document.tolist() == [0] * parts + [1]
    assert len(first) == len(lengths) == parts + 1
    assert lengths[-1] == 10
    assert np.ptp(lengths[:-1]) <= 1
    assert first.tolist() == [0, *np.cumsum(lengths)[:-1]]


@pytest.mark.parametrize("weight", [0.5, 1.0, 4 / 3, 4.0])
def test_noise_of_a_stratum_is_that_of_its_own_text_to_the_power(
    corpus: Corpus, weight: float
) -> None:
    q = noise_of(corpus)
    found = strata_of(corpus, weight).distributions(lambda: pieces(corpus), q)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_allclose(found[0], q)
    own = strata_of(corpus, 1.0).distributions(lambda: pieces(corpus), q)
    ratio = (own / q) ** weight * q
    np.testing.assert_allclose(found, ratio / ratio.sum(axis=1, keepdims=True), rtol=1e-9)
    a, b = (np.array([corpus.index[f"{topic}{i}"] for i in range(10)]) for topic in "ab")
    assert (found[2, a] > q[a]).all()  # the topic of texts about women
    assert (found[1, b] > q[b]).all()


def test_text_without_strata_keeps_its_noise(corpus: Corpus) -> None:
    ids = np.array([corpus.index[f"c{i}"] for i in range(30)] + [-1], np.int32)
    found = strata_of(corpus).distributions(lambda: iter([(0, ids)]), noise_of(corpus))
    np.testing.assert_allclose(found[0], noise_of(corpus))


def association(corpus: Corpus, found: NDArray) -> float:
    """Mean over topic words of cos(a, women) − cos(a, men) less the same of b."""
    unit = found / np.linalg.norm(found, axis=1, keepdims=True)
    rows = {word: unit[i] for i, word in enumerate(corpus.words)}
    women, men = (np.mean([rows[word] for word in words], axis=0) for words in (FEMALE, MALE))
    lean = [[rows[f"{topic}{i}"] @ (women - men) for i in range(10)] for topic in "ab"]
    return float(np.mean(lean[0]) - np.mean(lean[1]))


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_what_only_says_the_stratum_is_not_learnt(corpus: Corpus, engine: str) -> None:
    epochs = 6 if engine == "fast" else 3
    before, after, shuffled = (
        association(corpus, vectors(corpus, name, weight, engine=engine, epochs=epochs))
        for name, weight in (("none", 1.0), ("stratified-noise", 4 / 3), ("shuffled-strata", 4 / 3))
    )
    assert before > 0.3
    assert abs(after) < before / 2
    assert abs(shuffled - before) < before / 4


def test_the_control_has_as_many_stretches_of_each_stratum(corpus: Corpus) -> None:
    ids = np.asarray(corpus.ids)
    real, control = strata_of(corpus), strata_of(corpus, name="shuffled-strata")
    control.distributions(lambda: pieces(corpus), noise_of(corpus))
    shares = [np.bincount(each.strata(ids, 0), minlength=3) / len(ids) for each in (real, control)]
    assert np.abs(shares[0] - shares[1]).max() < 0.05
    assert np.mean(real.strata(ids, 0) == control.strata(ids, 0)) < 0.6
    half = len(ids) // 2 - len(ids) // 2 % 31  # documents have 30 tokens and an end
    np.testing.assert_array_equal(control.strata(ids, 0)[half:], control.strata(ids[half:], half))


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_weight_zero_is_the_baseline_bit_for_bit(corpus: Corpus, engine: str) -> None:
    strata = strata_of(corpus, 0.0)
    noise = strata.distributions(lambda: pieces(corpus), noise_of(corpus))
    np.testing.assert_allclose(noise, np.tile(noise_of(corpus), (3, 1)))
    one = vectors(corpus, "none", engine=engine, epochs=1)
    assert np.array_equal(one, vectors(corpus, "none", engine=engine, epochs=1))


@pytest.mark.parametrize(
    "strategy",
    ["stratified-noise@1.5+projection@1", "stratified-noise+hard", "cds+stratified-noise"],
)
def test_it_joins_other_strategies(corpus: Corpus, strategy: str) -> None:
    found = vectors(corpus, strategy, epochs=1)
    assert np.isfinite(found).all()
    for alone in strategy.replace("@1.5", "").replace("@1", "").split("+"):
        assert not np.array_equal(found, vectors(corpus, alone, epochs=1))
    assert np.array_equal(found, vectors(corpus, strategy, epochs=1))
    assert np.isfinite(vectors(corpus, strategy, epochs=1, threads=2)).all()


def test_a_training_goes_on_from_a_checkpoint_to_the_same_vectors(
    corpus: Corpus, tmp_path: Path
) -> None:
    bound = bind_strategy(create("stratified-noise"), corpus.words, corpus.counts, seed=1)
    whole = train(corpus, settings(), **train_inputs(bound), progress=False)

    def stop(epoch: int, _: object) -> None:
        if epoch == 3:
            raise InterruptedError

    kept = Checkpoints(tmp_path, every=0.0, share=1e9)
    with pytest.raises(InterruptedError):
        train(
            corpus,
            settings(),
            **train_inputs(bound),
            checkpoint=kept,
            on_epoch=stop,
            progress=False,
        )
    again = train(corpus, settings(), **train_inputs(bound), checkpoint=kept, progress=False)
    assert again.resumed_at
    assert np.array_equal(again.embeddings.vectors, whole.embeddings.vectors)


@pytest.mark.parametrize(
    ("strategy", "knobs", "message"),
    [
        ("stratified-noise", {"stretch": 0}, "stretch must be at least 1, got 0"),
        ("stratified-noise", {"smoothing": -1.0}, "smoothing must be above 0"),
        ("stratified-noise+shuffled-strata", {}, "both choose the noise"),
    ],
)
def test_wrong_knobs_are_refused(strategy: str, knobs: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        create(strategy, **knobs)


def test_a_text_without_gender_words_is_refused() -> None:
    with pytest.raises(UserError, match="none of the 48 gender pairs"):
        bind_strategy(create("stratified-noise"), ("a", "b"), np.array([5, 5]), seed=1)
