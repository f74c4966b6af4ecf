"""The tables of docs/explain/which-ruler.md: what is left of s, by own and by baseline's ruler.

    python -m experiments.which_ruler TEXT --epochs 3 --seeds 21 22 23 24 25

Nothing is tuned here: strategies, λs and seeds are those of the command.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from statistics import mean

from debiaslab import Corpus, Embeddings, TrainSettings, evaluate, regularizers, train
from debiaslab.metrics import Scorecard, anchored
from debiaslab.regularizers import train_inputs
from debiaslab.statistics import half_width
from debiaslab.study.cell import bound_strategy
from debiaslab.study.plan import Entry
from debiaslab.tables import plus_minus

TESTS = ("6b", "7", "8", "occupations", "career-family", "math-arts", "science-arts")
STRATEGIES = (
    "cds",
    "hard",
    "leace",
    "stratified-noise@1",
    "stratified-noise@1.5",
    "stratified-noise@2",
    "stratified-noise[pairs=all]@2",
    "shuffled-strata@2",
)
OTHER_SEED = 1000  # added to a seed: the control of the alignment


def trained(corpus: Corpus, settings: TrainSettings, name: str) -> Embeddings:
    """Return the vectors of one training with a strategy."""
    entry = Entry.parse(name)
    strategy = regularizers.create(
        entry.strategy, weight=1.0 if entry.weight is None else entry.weight, **dict(entry.knobs)
    )
    bound = bound_strategy(corpus, strategy, "all", settings)
    vectors = train(corpus, settings, **train_inputs(bound), progress=False).embeddings
    return vectors if bound is None else bound.finish(vectors)


def size(vectors: Embeddings) -> float:
    """Return the mean of |s| over the tests, report words."""
    card = evaluate(vectors, quick=True, groups=["weat"])
    found = [card.statistic(test, "report") for test in TESTS]
    return mean(abs(s) for s in found if s is not None)


def similarity(vectors: Embeddings) -> float:
    """Return the mean Spearman correlation with WordSim-353 and SimLex-999, report pairs."""
    card: Scorecard = evaluate(vectors, quick=True, groups=["similarity"])
    sets = ("WordSim-353", "SimLex-999")
    found = [card.value("similarity", name, "report") for name in sets]
    return mean(each for each in found if each is not None)


def measured(vectors: Embeddings, baseline: Embeddings) -> tuple[float, float, float, float]:
    """Return own and anchored |s| in % of the baseline's, retention, and cos(he, she)."""
    before = size(baseline)
    he, she = vectors["he"], vectors["she"]
    return (
        100 * size(vectors) / before,
        100 * size(anchored(vectors, baseline)) / before,
        similarity(vectors) / similarity(baseline),
        float(he @ she / (he @ he * (she @ she)) ** 0.5),
    )


def rows(corpus: Corpus, epochs: int, seeds: list[int], names: list[str]) -> Iterator[str]:
    """Yield the table in Markdown, a row a strategy: mean ± half of the 95 % t interval."""
    settings = [TrainSettings(epochs=epochs, seed=seed) for seed in seeds]
    others = [replace(each, seed=each.seed + OTHER_SEED) for each in settings]
    baselines = [trained(corpus, each, "none") for each in settings]
    yield "| | own | anchored | retention | cos(he, she) |\n|---|---|---|---|---|"
    for label, name, trainings in (
        ("another seed, no strategy", "none", others),
        *((f"`{name}`", name, settings) for name in names),
    ):
        vectors = (trained(corpus, each, name) for each in trainings)
        found = [measured(*each) for each in zip(vectors, baselines, strict=True)]
        own, along, kept, cosine = (list(column) for column in zip(*found, strict=True))
        told = [plus_minus(mean(each), half_width(each), ".0f") for each in (own, along)]
        told += [plus_minus(mean(kept), half_width(kept), ".2f"), f"{mean(cosine):.2f}"]
        yield f"| {label} | {' | '.join(told)} |"


def main() -> None:
    """Train, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text", nargs="+")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, nargs="+", default=[21, 22, 23, 24, 25])
    parser.add_argument("--strategies", nargs="+", default=list(STRATEGIES))
    given = parser.parse_args()
    corpus = Corpus.build(given.text)
    for row in rows(corpus, given.epochs, given.seeds, given.strategies):
        print(row, flush=True)


if __name__ == "__main__":
    main()
