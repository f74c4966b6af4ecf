"""What makes two sweeps the same study, and which plans are refused."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from debiaslab import lexicons
from debiaslab.corpus import Corpus, CorpusSettings
from debiaslab.errors import UserError
from debiaslab.regularizers import LogUniform, ProjectionPenalty, Strategy, register, registry
from debiaslab.sgns import TrainSettings
from debiaslab.study import Objective, Plan
from debiaslab.study.plan import differences
from tests.expecting import refuses

PLAN = Plan()


def corpus_with(fingerprint: str = "a" * 64, name: str = "toy") -> Corpus:
    """Return a corpus of which only the name and fingerprint matter here."""
    return Corpus(
        name=name,
        words=("he", "she"),
        counts=np.array([1, 1]),
        ids=np.array([0, 1, -1], dtype=np.int32),
        documents=1,
        tokens=2,
        raw_tokens=2,
        raw_types=2,
        unk=None,
        fingerprint=fingerprint,
        path=Path("nowhere"),
        settings=CorpusSettings(),
        sources=("toy.txt",),
    )


CORPUS = corpus_with()

# one other valid value for every setting that shapes a training
OTHER_SETTINGS: dict[str, Any] = {
    **{"dim": 50, "window": 3, "dynamic": False, "negatives": 10, "epochs": 3, "subsample": 1e-4},
    **{"lr": 0.05, "lr_min": 0.1, "optimizer": "adamw", "batch_size": 512, "layout": "homework"},
    **{"patience": 5, "threads": 2, "engine": "reference", "device": "cuda"},
}


def plan_with(name: str, value: Any) -> Plan:
    """Return a plan with another setting, though a machine of one core takes no second thread."""
    if name != "threads":
        return replace(PLAN, settings=replace(PLAN.settings, **{name: value}))
    plan, made = replace(PLAN), replace(PLAN.settings)
    object.__setattr__(made, name, value)
    object.__setattr__(plan, "settings", made)
    return plan


ANOTHER_STUDY: dict[str, Plan] = {
    "strategy": replace(PLAN, strategy="pairwise"),
    "cover": replace(PLAN, cover="tune"),
    "knobs.direction": replace(PLAN, knobs=(("direction", "mean"),)),
    "seeds": replace(PLAN, seeds=(1, 2, 3)),
    "objective.bias_weight": replace(PLAN, objective=Objective(bias_weight=2.0)),
    "objective.retention_weight": replace(PLAN, objective=Objective(retention_weight=0.0)),
    "objective.ruler": replace(PLAN, objective=Objective(ruler="both")),
    "objective.tests": replace(PLAN, objective=Objective(tests=("math-arts",))),
    **{f"settings.{name}": plan_with(name, value) for name, value in OTHER_SETTINGS.items()},
}


def test_every_setting_of_a_training_is_tried():
    assert set(OTHER_SETTINGS) | {"seed"} == {field.name for field in fields(TrainSettings)}


@pytest.mark.parametrize("key", ANOTHER_STUDY)
def test_what_shapes_a_run_makes_another_study_and_is_named(key):
    ours, theirs = ANOTHER_STUDY[key].identity(CORPUS), PLAN.identity(CORPUS)
    named = [line.split(":")[0] for line in differences(ours, theirs)]
    if key == "strategy":  # may have another search space and other knobs too
        named = [name for name in named if not name.startswith(("search_space", "knobs"))]
    assert named == [key]
    assert ANOTHER_STUDY[key].study_name(CORPUS) != PLAN.study_name(CORPUS)


@pytest.mark.parametrize(
    "same",
    [
        replace(PLAN, trials=99),
        replace(PLAN, name="by-name"),
        replace(PLAN, settings=TrainSettings(seed=77)),
        Plan(objective=Objective(1.0, 5.0, lexicons.OBJECTIVE_TESTS)),
        Plan(knobs=(("direction", "pca"),)),  # the default, named
        Plan(),
    ],
)
def test_more_trials_a_name_or_the_seed_of_the_settings_continue_the_study(same):
    assert same.identity(CORPUS) == PLAN.identity(CORPUS)
    assert replace(same, name=None).study_name(CORPUS) == PLAN.study_name(CORPUS)


def test_studies_from_before_there_were_rulers_read_along_their_own():
    assert set(PLAN.identity(CORPUS)["objective"]) == {"bias_weight", "retention_weight", "tests"}


def test_the_order_of_the_seeds_counts():
    """The best run is the first seed's."""
    assert Plan(seeds=(2, 1)).identity(CORPUS) != PLAN.identity(CORPUS)


def test_the_text_counts_and_not_what_its_file_is_called():
    ours = PLAN.identity(CORPUS)
    other = PLAN.identity(corpus_with("b" * 64))
    assert differences(other, ours) == ["corpus: aaaaaaaaaaaa… → bbbbbbbbbbbb…"]
    assert PLAN.identity(corpus_with(name="renamed")) == ours


def test_an_edited_lexicon_makes_another_study(monkeypatch):
    before, name = PLAN.identity(CORPUS), PLAN.study_name(CORPUS)
    assert before["lexicons"] == lexicons.versions()
    edited = {**lexicons.versions(), "career_extended": "9.9+00000000"}
    monkeypatch.setattr(lexicons, "versions", lambda: edited)
    (named,) = differences(PLAN.identity(CORPUS), before)
    assert named.startswith("lexicons.career_extended: ")
    assert named.endswith(" → 9.9+00000000")
    assert PLAN.study_name(CORPUS) != name


def test_another_search_space_makes_another_study(monkeypatch):
    before = PLAN.identity(CORPUS)
    wider = {"weight": LogUniform(1e-9, ProjectionPenalty.search_space["weight"].high)}
    monkeypatch.setattr(ProjectionPenalty, "search_space", wider)
    (named,) = differences(PLAN.identity(CORPUS), before)
    assert named.startswith("search_space.weight.low: ")


def test_an_identity_survives_json_and_generated_names_are_stable_and_distinct():
    plans = (PLAN, *ANOTHER_STUDY.values())
    for plan in plans:
        identity = plan.identity(CORPUS)
        assert json.loads(json.dumps(identity, allow_nan=False)) == identity
    assert len({plan.study_name(CORPUS) for plan in plans}) == len(plans)
    assert PLAN.study_name(CORPUS) == Plan().study_name(corpus_with())
    assert PLAN.study_name(CORPUS).startswith("projection-toy-")
    assert PLAN.study_name(corpus_with("b" * 64)) != PLAN.study_name(CORPUS)
    assert replace(PLAN, name="mine").study_name(CORPUS) == "mine"


def test_the_plan_makes_its_strategy_and_the_settings_of_each_seed():
    assert PLAN.create(0.5) == ProjectionPenalty(0.5, "pca")
    assert replace(PLAN, knobs=(("direction", "mean"),)).create(2.0) == ProjectionPenalty(2, "mean")
    plan = Plan(settings=TrainSettings(dim=50, seed=9))
    assert plan.settings_for(4) == TrainSettings(dim=50, seed=4)
    assert plan.settings.seed == 9


@pytest.mark.parametrize(
    ("bad", "hint"),
    [
        ({"strategy": "projektion"}, "did you mean 'projection'"),
        ({"strategy": "none"}, "has no λ to search; allowed: adversarial"),
        ({"knobs": (("direktion", "pca"),)}, "did you mean 'direction'"),
        ({"knobs": (("direction", "pcs"),)}, "did you mean 'pca'"),
        ({"knobs": (("weight", "0.1"),)}, "λ was set as a knob"),
        ({"strategy": "tying", "knobs": (("direction", "pca"),)}, "no knob 'direction'"),
        ({"trials": 0}, "--trials must be at least 1, got 0"),
        ({"trials": -3}, "--trials must be at least 1, got -3"),
        ({"seeds": ()}, "--seeds must be at least 1, got 0"),
        ({"seeds": (1, 2, 1)}, "seed 1 is named twice"),
        ({"seeds": (1, -2)}, "--seed must be from 0 to 2,147,483,647, got -2"),
        ({"cover": "vocabluary"}, "did you mean 'vocabulary'"),
    ],
)
def test_bad_plans_are_refused_before_anything_is_trained(bad, hint):
    with pytest.raises(UserError) as refused:
        Plan(**bad)
    assert hint in str(refused.value)


def test_a_registered_strategy_without_a_search_space_is_refused(monkeypatch):
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))

    @register("fixed")
    class Fixed(Strategy):
        search_space: ClassVar[dict[str, LogUniform]] = {}

    with refuses("'fixed' has no λ to search"):
        Plan(strategy="fixed")


# Naming differences ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, ["a: 2 → 1"]),
        ({"a": 1, "b": {"c": 1, "d": 2}}, {"a": 1, "b": {"c": 3, "d": 2}}, ["b.c: 3 → 1"]),
        ({"a": 1}, {}, ["a: None → 1"]),
        ({}, {"a": 1}, ["a: 1 → None"]),
        ({"b": {"c": 1}}, {"b": 5}, ["b: 5 → {'c': 1}"]),
        ({"z": 1, "a": 1}, {"z": 2, "a": 2}, ["a: 2 → 1", "z: 2 → 1"]),
        ({"a": "x" * 64}, {"a": "y" * 64}, ["a: yyyyyyyyyyyy… → xxxxxxxxxxxx…"]),
    ],
)
def test_differences_are_named_theirs_first(ours, theirs, expected):
    assert differences(ours, theirs) == expected


def test_two_values_that_differ_late_are_not_shown_alike():
    """Only fingerprints are cut: two lists may begin alike."""
    (named,) = differences(
        {"tests": ["occupations", "math-arts"]}, {"tests": ["occupations", "science-arts"]}
    )
    theirs, ours = named.removeprefix("tests: ").split(" → ")
    assert theirs != ours


def test_a_name_that_is_no_plain_file_name_is_refused():
    for name in ("../elsewhere", "a/b", "a\\b", "a:b", "", "  ", ".hidden", "a\nb"):
        with refuses("the name of the study was"):
            Plan(name=name)
