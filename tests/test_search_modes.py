"""Samplers, several knobs, Pareto and constraint mode, pruning, and what is said of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState

from debiaslab.corpus import Corpus
from debiaslab.errors import UserError
from debiaslab.regularizers import Choice, Int, LogUniform, Space, Uniform
from debiaslab.statistics.paired import front_of, hypervolume
from debiaslab.study import Plan, sweep
from debiaslab.study.executors import Executor, Share, work
from debiaslab.study.plan import SearchSettings
from debiaslab.study.search import Proposal, Search, seeds_tried, significantly_worse
from debiaslab.study.summary import importance, stopping_rule
from debiaslab.tables import plain_document
from debiaslab.tracking import Store
from tests.toys import toy_corpus

SPACE: dict[str, Space] = {
    "weight": LogUniform(1e-3, 1e1),
    "rate": Uniform(0.0, 2.0),
    "rank": Int(1, 4),
    "direction": Choice(("pca", "mean")),
}
SAMPLERS = ["tpe", "gp", "nsga2", "grid", "qmc", "random"]
TRIALS = 10  # more than the random start and a generation of NSGA-II


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


def open_search(folder: Path, name: str, **settings: Any) -> Search:
    return Search(folder, name, {}, SPACE, SearchSettings(**settings))


def cost(proposal: Proposal) -> float:
    knobs = proposal.knobs
    return (
        (math.log10(proposal.weight) + 1) ** 2 + knobs["rate"] + (knobs["direction"] == "pca") * 0.1
    )


def values(proposal: Proposal) -> tuple[Any, ...]:
    return (proposal.weight, *proposal.knobs.values())


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_draws_the_same_when_it_is_cut_short(sampler, folder):
    whole = open_search(folder, f"{sampler} whole", sampler=sampler, points=3)
    expected = []
    for _ in range(TRIALS):
        proposal = whole.propose()
        expected.append(values(proposal))
        whole.complete(proposal, cost(proposal))
    again = []
    for number in range(TRIALS):
        search = open_search(folder, f"{sampler} cut", sampler=sampler, points=3)
        if number % 3 == 0:
            search.interrupt(search.propose())
        proposal = search.propose()
        again.append(values(proposal))
        search.complete(proposal, cost(proposal))
    assert again == expected
    assert len(set(expected)) == TRIALS
    for weight, rate, rank, direction in expected:
        assert 1e-3 <= weight <= 1e1
        assert 0 <= rate <= 2
        assert rank in (1, 2, 3, 4)
        assert direction in ("pca", "mean")


def test_a_grid_visits_every_point_once(folder):
    space: dict[str, Space] = {"weight": LogUniform(0.01, 1), "direction": Choice(("pca", "mean"))}
    search = Search(folder, "grid", {}, space, SearchSettings(sampler="grid", points=3))
    seen = set()
    for _ in range(6):
        proposal = search.propose()
        seen.add((round(proposal.weight, 12), proposal.knobs["direction"]))
        search.complete(proposal, 1.0)
    assert seen == {(w, d) for w in (0.01, 0.1, 1.0) for d in ("pca", "mean")}


def test_quasi_random_points_are_spread_more_evenly_than_random_ones(folder):
    def discrepancy(sampler: str) -> float:
        from scipy.stats import qmc

        space: dict[str, Space] = {"weight": Uniform(1, 2), "rate": Uniform(1, 2)}
        search = Search(folder, f"spread {sampler}", {}, space, SearchSettings(sampler=sampler))  # type: ignore[arg-type]
        points = []
        for _ in range(16):
            proposal = search.propose()
            points.append([proposal.weight - 1, proposal.knobs["rate"] - 1])
            search.complete(proposal, 1.0)
        return float(qmc.discrepancy(np.array(points)))

    assert discrepancy("qmc") < discrepancy("random") / 2


@pytest.mark.parametrize("sampler", ["tpe", "gp", "nsga2"])
def test_the_constraint_is_heeded(sampler, folder):
    """The lower the cost the less is kept: after the start most trials keep what they must."""
    search = open_search(folder, f"constraint {sampler}", sampler=sampler, min_retention=0.9)
    kept = []
    for _ in range(16):
        proposal = search.propose()
        retention = 1 - 0.05 * (2 - proposal.knobs["rate"]) - 0.05 * (proposal.weight < 1e-2)
        search.constrain(proposal, retention)
        search.complete(proposal, proposal.knobs["rate"] - math.log10(proposal.weight))
        kept.append(retention >= 0.9)
    assert np.mean(kept[8:]) >= 0.5
    assert all(
        (t.user_attrs["violation"] <= 0) == k for t, k in zip(search.finished, kept, strict=True)
    )


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_front_of_two_objectives(sampler, folder):
    search = open_search(
        folder, f"front {sampler}", sampler=sampler, objectives=("bias", "retention"), points=3
    )
    for _ in range(TRIALS):
        proposal = search.propose()
        search.report(proposal, 0, 1.0)  # says nothing: neither objective alone is reported
        search.complete(proposal, proposal.knobs["rate"], proposal.knobs["rate"] / 2)
    assert all(len(trial.values) == 2 for trial in search.finished)
    shares = importance(search)
    assert set(shares) == {"bias", "retention"}
    for each in shares.values():
        assert set(each) == set(SPACE)
        assert sum(each.values()) == pytest.approx(1)


# Pruning --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scores", "level", "said"),
    [
        ([2.0], 0.6, True),
        ([2.0], 0.5, False),  # one seed cannot reach a p below a half
        ([0.5], 0.6, False),
        ([2.0, 2.0], 0.3, True),
        ([2.0, 2.1], 0.25, False),
        ([1.5, 0.1], 0.6, False),  # better in the mean
        ([2.0, 3.0, 2.5], 0.15, True),
        ([1.0], 0.99, False),  # the same score is no worse
    ],
)
def test_a_trial_is_ended_when_its_seeds_say_so(scores, level, said):
    assert significantly_worse(scores, [1.0] * len(scores), level=level) is said


def test_a_pruned_trial_counts_and_only_its_seeds_were_tried(folder):
    search = open_search(folder, "pruned", prune=0.6)
    best, other = search.propose(), None
    for seed, score in enumerate((1.0, 2.0)):
        search.report(best, seed, score)
    assert not search.should_prune([9.0])  # there is nothing to compare with
    search.complete(best, 1.5)
    other = search.propose()
    search.report(other, 0, 1.5)
    assert search.should_prune([1.5])  # 1.0 with the same seed, whatever the mean is
    assert not search.should_prune([0.5])
    search.prune(other)
    assert [trial.state for trial in search.finished] == [TrialState.COMPLETE, TrialState.PRUNED]
    assert [seeds_tried(trial, (7, 8)) for trial in search.finished] == [(7, 8), (7,)]
    assert search.propose().number == 2


# The stopping rule ----------------------------------------------------------------------------


def test_the_stopping_rule_ends_a_search_that_has_levelled_out(folder):
    def rule(noise: float, score: Callable[[float], float], name: str) -> Any:
        space = {"weight": LogUniform(1e-3, 1e1)}
        search = Search(folder, name, {}, space)
        assert stopping_rule(search) is None
        for _ in range(12):
            proposal = search.propose()
            middle = score(math.log10(proposal.weight))
            for seed, sign in enumerate((-1, 1)):
                search.report(proposal, seed, middle + sign * noise)
            search.complete(proposal, middle)
        return stopping_rule(search)

    noisy = rule(1.0, lambda x: 0.01 * x * x, "noisy")
    clear = rule(1e-4, lambda x: math.sin(5 * x) + x * x, "clear")
    assert noisy.enough
    assert noisy.noise == pytest.approx(math.sqrt(1.5))  # √((1/2 + 1/1) · 1²)
    assert not clear.enough


# The front ------------------------------------------------------------------------------------

POINTS = st.lists(
    st.tuples(st.floats(0, 2, allow_nan=False), st.floats(0, 1.2, allow_nan=False)), max_size=12
)


@settings(deadline=None, max_examples=60)
@given(POINTS)
def test_the_front_and_its_hypervolume(points):
    front = [points[i] for i in front_of(points)]
    for bias, retention in points:  # nothing on the front is beaten, everything else is
        beaten = any(
            (b <= bias and r >= retention) and (b, r) != (bias, retention) for b, r in points
        )
        assert ((bias, retention) in front) == (not beaten)
    volume = hypervolume(points, 1.0)
    assert 0 <= volume <= 1 + 1e-12
    assert volume == pytest.approx(hypervolume(front, 1.0))
    assert hypervolume([*points, (0.0, 1.0)], 1.0) == pytest.approx(1)
    if points:
        assert hypervolume(points[:-1], 1.0) <= volume + 1e-12


def test_hypervolume_by_hand():
    assert hypervolume([], 2.0) == 0
    assert hypervolume([(2.5, 1.0)], 2.0) == 0  # more bias than the baseline
    assert hypervolume([(1.0, 0.5)], 2.0) == pytest.approx(0.25)
    # 1 × 1 from the first, 0.5 × 0.8 more from the second, of a box of 2 × 1
    assert hypervolume([(1.0, 1.1), (0.5, 0.8)], 2.0) == pytest.approx(0.7)


# Whole sweeps ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plan() -> Plan:
    from debiaslab.sgns import TrainSettings
    from debiaslab.study import Objective

    settings = TrainSettings(dim=8, epochs=1)
    return Plan(settings=settings, objective=Objective(retention_weight=0), trials=3, seeds=(1, 2))


def run(plan: Plan, tmp_path: Path, executor: Executor | None = None) -> tuple[Any, Store]:
    corpus = toy_corpus(tmp_path, documents=150)
    where = {"root": tmp_path / "mlruns", "submissions": tmp_path / "out"}
    summary = sweep(corpus, plan, **where, progress=False, executor=executor)
    return summary, Store.open(where["root"])


@dataclass(frozen=True)
class Here:
    """An executor with one participant, in this process."""

    def run(self, share: Share, store: Store, done: Callable[[int], object]) -> None:
        def find(share: Share, store: Store) -> Corpus:
            found = share.corpus.find(share.corpus.path.parent)
            assert found is not None
            return found

        work(share, find, done)


def test_a_sweep_over_two_knobs_goes_on_alike_and_says_which_matters(plan, tmp_path):
    space = (("weight", LogUniform(1e-2, 1e1)), ("direction", Choice(("pca", "mean"))))
    plan = replace(plan, space=space, search=SearchSettings(sampler="qmc"), name="knobs", trials=4)
    first, store = run(plan, tmp_path)
    runs = store.runs(first.parent, kind="trial")
    assert {each.params["knob.direction"] for each in runs} == {"pca", "mean"}
    assert any("importance for the score" in line for line in first.findings)
    assert any("direction=" in line for line in first.findings)
    again, _ = run(plan, tmp_path)
    assert plain_document(again.blocks) == plain_document(first.blocks)
    assert len(store.runs(first.parent)) == 10  # nothing was trained twice
    store.remove(runs[-1].run_id)
    with pytest.warns(UserWarning, match="1 runs of the study were not in the tracking store"):
        healed, _ = run(plan, tmp_path)
    assert [row.score for row in healed.rows] == [row.score for row in first.rows]
    store.remove(runs[0].run_id)
    with pytest.warns(UserWarning, match="1 runs of the study were not in the tracking store"):
        healed, _ = run(plan, tmp_path, Here())
    assert sorted(row.score for row in healed.rows) == sorted(row.score for row in first.rows)


def test_a_pruned_sweep_trains_less_and_goes_on_alike(plan, tmp_path):
    plan = replace(plan, search=SearchSettings(prune=0.6), name="pruned", trials=5)
    first, store = run(plan, tmp_path)
    metrics = store.study_named("pruned").metrics
    saved = int(metrics.get("pruned_runs", 0))
    assert saved > 0  # with these seeds
    assert len(store.runs(first.parent)) == 2 + 10 - saved
    again, _ = run(plan, tmp_path)
    assert plain_document(again.blocks) == plain_document(first.blocks)
    assert len(store.runs(first.parent)) == 2 + 10 - saved


def test_time_that_is_up_ends_a_sweep_after_a_trial(plan, tmp_path):
    short = replace(plan, hours=1e-9, name="short")
    summary, _ = run(short, tmp_path)
    assert any("ended after 1 of 3 trials: the time was up" in line for line in summary.findings)
    summary, _ = run(replace(short, hours=None), tmp_path)
    assert {row.trial for row in summary.rows} == {None, 0, 1, 2}


def test_retention_cannot_be_searched_where_similarity_cannot_be_measured(plan, tmp_path):
    for search in ({"min_retention": 0.9}, {"objectives": ("bias", "retention")}):
        with pytest.raises(UserError, match="retention has no meaning"):
            run(replace(plan, search=SearchSettings(**search)), tmp_path)


def test_warm_start_begins_where_the_baseline_ended(plan, tmp_path):
    space = (("weight", LogUniform(1e-7, 2e-7)),)  # as good as no penalty
    plan = replace(plan, space=space, name="warm", trials=1, seeds=(1,))
    plan = replace(plan, search=SearchSettings(warm_start=True))
    summary, store = run(plan, tmp_path)
    base, trial = store.runs(summary.parent)
    assert trial.params["init"] == "vectors of the baseline"
    assert "init" not in base.params
    loss = [store.series(each.run_id, "loss")[0][1] for each in (base, trial)]
    assert loss[1] < loss[0]
