"""What a run is called in MLflow."""

from __future__ import annotations

import pytest

from debiaslab import regularizers
from debiaslab.study.cell import run_name, strategy_label
from debiaslab.study.kept import run_note


@pytest.mark.parametrize(
    ("named", "knobs", "trial", "expected"),
    [
        ("projection", {"weight": 0.3141}, 4, "projection λ=0.314 seed=2 · trial 4"),
        ("projection", {"weight": 1.0}, None, "projection λ=1 seed=2"),
        ("projection", {"weight": 0.0}, None, "baseline seed=2"),
        ("projection", {"pairs": "all"}, None, "projection[pairs=all] λ=1 seed=2"),
        ("cds", {}, None, "cds seed=2"),
        ("cds", {"names": False}, None, "cds[names=False] seed=2"),
        ("cds+hard", {"hard.pairs": "all"}, None, "cds+hard[hard.pairs=all] seed=2"),
        ("cds+projection", {"weight": 1.0}, None, "cds+projection λ=1 seed=2"),
        ("projection@0.5+pairwise@10", {}, None, "projection@0.5+pairwise@10 seed=2"),
    ],
)
def test_a_name_tells_what_is_special(named, knobs, trial, expected):
    strategy = regularizers.create(named, **knobs)
    assert run_name(named, strategy, seed=2, trial=trial) == expected


def test_a_label_is_a_name_without_seed_and_trial():
    strategy = regularizers.create("cds", names=False)
    assert strategy_label("cds", strategy) == "cds[names=False]"
    note = run_note("abc", strategy_label("cds", strategy), 2, None)
    assert note.startswith("`cds[names=False]`, seed 2.")
    assert "report --run abc" in note
    assert run_note("abc", None, 2, None).startswith("The baseline: no strategy (λ = 0), seed 2.")
