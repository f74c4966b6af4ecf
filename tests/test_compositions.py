"""Strategies by name, joined with +, and bound to a vocabulary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from debiaslab.errors import UserError
from debiaslab.lexicons import load_pairs
from debiaslab.regularizers import (
    Composition,
    DebiasWords,
    Eraser,
    PostProcess,
    Preprocess,
    Rewriting,
    SumOfPenalties,
    bind,
    bind_strategy,
    create,
    register,
    registry,
    search_space,
)
from debiaslab.sgns import TrainSettings
from debiaslab.study.cell import bound_strategy
from debiaslab.study.single import SingleTraining, train_single
from debiaslab.vectors.embeddings import Embeddings


class _Reversed(Rewriting):
    def __init__(self, size: int) -> None:
        self._size = size
        self.pairs = ("he/she",)

    def counts(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        return counts[::-1]

    def rewrite(self, ids: NDArray[np.int32], start: int, epoch: int) -> NDArray[np.int32]:
        return np.where(ids < 0, ids, self._size - 1 - ids).astype(np.int32)


@dataclass(frozen=True)
class _Scaled(Eraser):
    factor: float

    def __call__(self, embeddings: Embeddings) -> Embeddings:
        return Embeddings(embeddings.words, embeddings.vectors * self.factor)


@pytest.fixture(scope="module", autouse=True)
def more_strategies() -> Iterator[None]:
    known = dict(registry._REGISTRY)

    @register("reverse")
    @dataclass(frozen=True)
    class _Reverse(Preprocess):
        """Swap the most frequent word with the rarest, and so on."""

        def bind(
            self, vocabulary: Sequence[str], counts: NDArray[np.int64], seed: int
        ) -> Rewriting:
            return _Reversed(len(vocabulary))

    @register("scale")
    @dataclass(frozen=True)
    class _Scale(PostProcess):
        """Multiply all vectors."""

        factor: float = 2.0
        hurry: bool = False

        def fit(self, embeddings: Embeddings, words: DebiasWords, seed: int = 0) -> Eraser:
            return _Scaled(self.factor)

    @register("scale-again")
    @dataclass(frozen=True)
    class _Again(_Scale):
        """The same under another name."""

    yield
    registry._REGISTRY.clear()
    registry._REGISTRY.update(known)


def test_parts_act_in_the_order_of_their_stages_however_they_are_named():
    strategy = create("scale+projection+reverse", weight=0.5)
    assert isinstance(strategy, Composition)
    assert strategy.name == "reverse+projection+scale"
    assert strategy.stage == "pre+in+post"
    assert strategy.weight == 0.5
    assert [part.weight for part in strategy.parts] == [0.5] * 3


def test_knobs_go_to_the_part_that_has_them():
    strategy = create("projection+scale", direction="mean", **{"scale.factor": "3", "hurry": "yes"})
    assert strategy.knobs() == {
        "projection.pairs": "tune",
        "projection.direction": "mean",
        "scale.pairs": "tune",
        "scale.factor": 3.0,
        "scale.hurry": True,
    }


@pytest.mark.parametrize(
    ("name", "knobs", "said"),
    [
        ("projektion+tying", {}, "no strategy 'projektion'.*'projection'"),
        ("projection+projection", {}, "names 'projection' twice"),
        ("none+projection", {}, "'none', which does nothing.*try: projection"),
        ("scale+scale-again", {}, "both erase from the same words"),
        ("projection+tying", {"weight": -1.0}, "λ .* was -1"),
        ("projection+tying", {"direktion": "pca"}, "no knob 'direktion'.*projection.direction"),
        ("scale", {"factor": "much"}, "'factor' of 'scale' was 'much'.*a number"),
        ("scale", {"hurry": "perhaps"}, "'perhaps'.*true or false"),
        ("projection+", {}, "no strategy ''"),
    ],
)
def test_what_makes_no_sense_is_refused(name, knobs, said):
    with pytest.raises(UserError, match=said):
        create(name, **knobs)


def test_the_search_space_of_a_composition_spans_those_of_its_parts():
    space = search_space("reverse+projection+tying")["weight"]
    assert (space.low, space.high) == (1e-5, 1e2)
    assert search_space("reverse+scale") == {}


def test_penalties_of_one_training_are_added_each_with_its_weight():
    words = ["he", "she", "man", "woman", "boy", "girl", *"abcdefgh"]
    W, C = torch.randn(2, len(words), 5, generator=torch.Generator().manual_seed(0))

    def gradient(name: str, weight: float) -> torch.Tensor:
        penalty = bound(name, words, weight=weight).penalty
        drawn = penalty.draw(torch.Generator().manual_seed(1), 100)
        rows = W[drawn.rows].clone().requires_grad_()
        return penalty.weight * torch.autograd.grad(drawn(rows, C[drawn.rows]), rows)[0]

    both = gradient("projection", 1.0) + gradient("pairwise", 1.0)
    assert torch.allclose(gradient("pairwise+projection", 1.0), both, atol=1e-6)
    expected = gradient("projection", 0.5) + gradient("pairwise", 10.0)
    assert torch.allclose(gradient("pairwise@10+projection@0.5", 1.0), expected, atol=1e-6)
    assert torch.allclose(gradient("pairwise@10+projection@0.5", 3.0), 3 * expected, atol=1e-5)
    assert torch.allclose(gradient("scale+projection@4", 0.5), gradient("projection", 2.0))
    knobs = create("pairwise@10+projection@0.5").knobs()
    assert (knobs["pairwise.weight"], knobs["projection.weight"]) == (10.0, 0.5)
    assert "projection.weight" not in create("pairwise+projection").knobs()
    assert search_space("pairwise@10+projection@0.5") == search_space("pairwise+projection")


def test_the_value_of_penalties_of_one_training_is_their_sum():
    words = ["he", "she", "man", "woman", *"abcdefgh"]
    generator = torch.Generator().manual_seed(0)
    W, C = torch.randn(2, len(words), 5, generator=generator)

    def value(name: str) -> float:
        strategy = create(name, weight=1.0)
        bound = bind_strategy(strategy, words, np.ones(len(words), dtype=np.int64))
        assert bound.penalty is not None
        drawn = bound.penalty.draw(torch.Generator().manual_seed(1), 100)
        return float(drawn(W[drawn.rows], C[drawn.rows]))

    both = value("projection") + value("pairwise")
    assert value("pairwise+projection") == pytest.approx(both, rel=1e-6)


WORDS = ("man", "woman", "boy", "girl", "father", "mother", "table", "chair", "he", "she")


def bound(name: str, words: Sequence[str], dim: int = 8, **knobs: object) -> Any:
    counts = np.ones(len(words), dtype=np.int64)
    return bind_strategy(create(name, **knobs), words, counts, dim=dim)


@pytest.mark.parametrize(
    ("name", "knobs", "said"),
    [
        ("projection-subspace", {"k": 4}, "4 dimensions.*at most 3 with 3 gender pairs.*k=3"),
        ("gn", {"k": 8}, "8 dimensions.*fewer than the 8"),
        ("hard", {"components": 4}, "4 components.*1 to 3 with 3 sets"),
        ("cds+soft", {"components": 4}, "4 components"),
        ("inlp", {"steps": 35}, "leave nothing of vectors of dimension 8"),
        ("projection+random-direction", {"components": 8}, "1 to 7"),
        ("leace", {}, "2 covered words .*at least 16"),
        ("projection+inlp", {"steps": 5}, "2 covered words"),
        ("cds+double-hard", {}, "2 covered words"),
        ("multiclass-hard", {"attribute": "religion"}, "'religion', .*none is in the vectors"),
        ("tying+multiclass-hard", {"components": 4}, "4 components.*1 to 3 with 3 sets"),
        ("gender-blind+hard", {}, "'gender-blind' leaves no gender pair .* that hard could"),
        ("gender-blind+tying+hard", {}, "tying and hard could act on.*try: gender-blind"),
    ],
)
def test_what_the_words_or_the_dimension_lack_is_noticed_before_training(name, knobs, said):
    with pytest.raises(UserError, match=said):
        bound(name, WORDS, **knobs)


def test_a_penalty_does_not_hide_what_the_eraser_after_it_lacks():
    with pytest.raises(UserError, match=r"1 of the 14 gender pairs"):
        bound("projection+hard", ("man", "woman", "table", "chair"))
    assert SumOfPenalties(1.0, (create("tying"), create("projection")), (1, 1)).acts_on_neutral
    assert not SumOfPenalties(1.0, (create("tying"),), (1,)).acts_on_neutral


def test_sets_of_an_attribute_must_span_what_is_asked_for():
    words = (*WORDS, "judaism", "christianity", "islam")
    for components in (0, 2):
        knobs = {"attribute": "religion", "components": components}
        assert bound("multiclass-hard", words, **knobs).post == create("multiclass-hard", **knobs)
    with pytest.raises(UserError, match=r"3 components.*1 to 2 with 1 sets"):
        bound("multiclass-hard", words, attribute="religion", components=3)


def test_coverage_says_what_each_stage_acts_on():
    words = ["he", "she", "man", "woman", "boy", "girl", "table", "chair"]
    counts = np.ones(len(words), dtype=np.int64)
    before = bind_strategy(create("reverse"), words, counts).coverage
    assert (before.neutral, before.pairs) == (0, ("he/she",))
    after = bind_strategy(create("scale"), words, counts, cover="all").coverage
    assert after.neutral == 2
    penalty = bind(create("projection"), words, "all")
    assert penalty is not None
    assert penalty.coverage == bind_strategy(create("reverse+projection"), words, counts).coverage


def test_lambda_zero_is_the_baseline_whatever_the_parts(corpus):
    assert (
        bound_strategy(corpus, create("reverse+scale", weight=0.0), "all", TrainSettings()) is None
    )


def test_all_three_stages_act_on_one_training(corpus, tmp_path):
    settings = TrainSettings(dim=10, epochs=1, subsample=0.0)

    def vectors(strategy: str, **knobs: str) -> Embeddings:
        training = SingleTraining(strategy, settings=settings, knobs=tuple(knobs.items()))
        out = tmp_path / f"{strategy}.npz"
        run = train_single(corpus, training, out=out, root=tmp_path / "mlruns", progress=False)
        assert np.array_equal(Embeddings.load(out).vectors, run.training.embeddings.vectors)
        return run.training.embeddings

    plain, scaled = vectors("reverse"), vectors("reverse+scale", factor="2")
    assert np.allclose(scaled.vectors, 2 * plain.vectors)
    assert not np.allclose(plain.vectors, vectors("none").vectors, atol=1e-3)


def test_pairs_may_be_all_and_are_then_the_same_for_every_part():
    strategy = create("projection+scale", pairs="all")
    assert strategy.knobs()["projection.pairs"] == strategy.knobs()["scale.pairs"] == "all"
    pairs = load_pairs("gender_pairs")
    words = sorted({word for pair in pairs.pairs for word in pair} | {"table", "chair"})
    counts = np.ones(len(words), dtype=np.int64)
    for name in ("projection", "scale"):
        for choice, half in (("tune", "tune"), ("all", "all")):
            bound = bind_strategy(create(name, pairs=choice), words, counts)
            assert len(bound.coverage.pairs) == len(pairs.half(half))
    with pytest.raises(UserError, match=r"pairs was 'report'.*all, tune"):
        create("projection", pairs="report")
    with pytest.raises(UserError, match="different gender pairs"):
        create("projection+tying", **{"projection.pairs": "all"})
