"""Rules that choose a trial."""

from __future__ import annotations

import pytest

from debiaslab.errors import UserError
from debiaslab.report import TrialRow, TrialSummary, summarize
from debiaslab.study.objective import SelectionRule, pareto_front


def trials(*points: tuple[float, float, float], baseline: bool = True) -> tuple[TrialSummary, ...]:
    """Return a study of (bias, retention, score), λ = 1, 2, …, with a perfect baseline."""
    rows = [
        TrialRow(i, i + 1.0, 1, bias, 9.0, kept, score, f"run{i}", False, None)
        for i, (bias, kept, score) in enumerate(points)
    ]
    first = TrialRow(None, 0.0, 1, 0.0, 0.0, 1.0, -1.0, "base", False, None)
    return summarize([first, *rows] if baseline else rows)


def test_the_baseline_is_never_chosen():
    study = trials((2.0, 0.99, 2.0), (1.0, 0.99, 1.0))
    for name in ("composite", "bias@0.98", "knee"):
        assert SelectionRule(name).name == name
        assert SelectionRule(name).choose(study).weight == 2.0
    with pytest.raises(UserError, match="no trial has finished"):
        SelectionRule().choose(trials())


def test_composite_takes_the_lowest_score_and_of_equals_the_smaller_weight():
    assert SelectionRule().choose(trials((1, 1, 3.0), (9, 0.1, 2.0), (0, 1, 2.0))).weight == 2.0


def test_least_bias_looks_only_at_trials_that_keep_enough():
    study = trials((0.1, 0.97, 0.1), (0.5, 0.98, 0.9), (0.7, 1.2, 0.5))
    assert SelectionRule("bias@0.98").choose(study).weight == 2.0
    assert SelectionRule("bias@0.9").choose(study).weight == 1.0
    with pytest.raises(UserError, match=r"no trial keeps 0\.98"):
        SelectionRule("bias@0.98").choose(study[:2])


def test_the_knee_is_where_the_front_bends():
    study = trials((2.0, 1.0, 0), (0.2, 0.97, 0), (0.0, 0.5, 0), (1.9, 0.6, 0))
    assert SelectionRule("knee").choose(study).weight == 2.0


def test_the_front_holds_what_nothing_beats_in_both():
    study = trials((2.0, 1.0, 0), (1.0, 0.9, 0), (1.5, 0.8, 0), (1.0, 0.7, 0), baseline=False)
    assert [trial.weight for trial in pareto_front(study)] == [2.0, 1.0]


def test_retention_above_one_is_no_reason_to_be_on_the_front():
    study = trials((1.0, 1.0, 0), (2.0, 1.5, 0), baseline=False)
    assert [trial.weight for trial in pareto_front(study)] == [1.0]


@pytest.mark.parametrize("name", ["compsite", "bias", "bias@x", "bias@0", "bias@1.1", "", "knee@1"])
def test_other_names_are_refused(name):
    with pytest.raises(UserError, match="--select was"):
        SelectionRule(name)
