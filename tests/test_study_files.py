"""Study files: what they mean, what is refused, and that a command line says the same."""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from debiaslab.commands.options import Command, prepare
from debiaslab.commands.study import CompareCommand, SweepCommand
from debiaslab.corpus import CorpusSettings
from debiaslab.errors import UserError
from debiaslab.regularizers import Choice, LogUniform, Uniform
from debiaslab.settings.options import Whole, command, option
from debiaslab.settings.study import SearchSettings, StudyFile, parse, read_study
from debiaslab.sgns import TrainSettings
from debiaslab.study import Objective, Plan
from debiaslab.study.spec import check_study, comparison_of, plans_of, study_of
from tests.command_line import parser_of
from tests.test_plan import CORPUS

EXPERIMENTS = Path(__file__).resolve().parents[1] / "experiments"


def study(text: str = "") -> StudyFile:
    return check_study(parse(text) or {}, "x.yaml")


def line(*words: str) -> StudyFile:
    return SweepCommand.made(vars(parser_of("sweep").parse_args(words))).study


# What they mean -------------------------------------------------------------------------------


def test_an_empty_file_an_empty_line_and_the_defaults_are_one_study():
    named = line("--strategy", "projection"), study("strategies: projection")
    for made in (study(), line(), *named):
        assert plans_of(made) == (Plan(),)
        assert made.corpus.settings() == CorpusSettings()
        assert made.corpus.files == ()


def test_the_defaults_shown_in_the_help_are_those_of_a_file():
    options = [each for each in parser_of("sweep")._actions if each.option_strings]
    shown = {
        option.option_strings[-1].strip("-"): said[1]
        for option in options
        if (said := re.search(r"\(default: (.*)\)$", option.help or ""))
    }
    plan, search, corpus = Plan(), SearchSettings(), CorpusSettings()
    of_a_file = {**vars(plan.settings), **vars(corpus), **vars(plan.objective), **vars(search)}
    of_a_file |= {"trials": plan.trials, "seeds": len(plan.seeds), "cover": plan.cover}
    of_a_file |= {"objectives": ",".join(search.objectives), "strategy": plan.strategy}
    of_a_file |= {"workers": study().workers, "executor": study().executor, "store": "mlruns"}
    assert shown == {flag: str(of_a_file[flag.replace("-", "_")]) for flag in shown}
    named = "dim window negatives epochs subsample lr optimizer batch-size layout threads device"
    named += " min-count rare trials seeds cover bias-weight retention-weight sampler points"
    assert {*named.split(), "objectives"} <= shown.keys()


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_studies_that_ship_can_be_run(path):
    made = check_study(read_study(path), str(path))
    assert made.name == path.stem
    assert check_study(json.loads(made.to_json()), "again") == made
    plan, *_ = plans_of(made)
    if path.stem == "quickstart":  # is the plain command
        assert plans_of(made) == (plan,)
        assert plan.identity(CORPUS) == Plan().identity(CORPUS)
    if path.stem == "homework":  # is what the course asks for
        settings = plan.settings
        assert (settings.dim, settings.window, settings.dynamic) == (50, 2, False)
        assert (settings.negatives, settings.epochs, made.corpus.rare) == (2, 1, "unk")


def test_a_file_names_everything():
    made = study(
        """
name: mine
corpus: {files: [a.txt, b.txt.gz], mwes: m, lowercase: false, min_count: 2, rare: unk}
trainer: {dim: 10, window: 3, dynamic: false, lr: 1e-2, engine: reference, optimizer: adamw}
strategies:
  - {name: projection, label: mean, knobs: {direction: mean}, space: {weight: {log: [1e-2, 1]}}}
  - {name: projection, space: {weight: {uniform: [1, 2]}, direction: {choice: [pca, mean]}}}
cover: tune
objective: {bias_weight: 2, retention_weight: 0, tests: [math-arts], ruler: anchored}
search: {sampler: gp, prune: 0.3}
seeds: [4, 5]
budget: {trials: 3, hours: 0.5, stop: true}
"""
    )
    first, second = plans_of(made)
    assert made.group == "mine"
    assert (first.name, second.name) == ("mine-mean", "mine-projection")
    assert first.knobs == (("direction", "mean"),)
    assert first.search_space == {"weight": LogUniform(0.01, 1)}
    assert second.search_space == {"weight": Uniform(1, 2), "direction": Choice(("pca", "mean"))}
    assert first.settings == TrainSettings(
        10, 3, False, lr=0.01, engine="reference", optimizer="adamw"
    )
    assert first.objective == Objective(2, 0, ("math-arts",), "anchored")
    assert first.search == SearchSettings(sampler="gp", prune=0.3)
    assert (first.seeds, first.trials, first.hours, first.stop) == ((4, 5), 3, 0.5, True)
    assert first.cover == "tune"
    assert made.corpus.settings() == CorpusSettings("m", False, 2, "unk")


def test_every_strategy_by_one_word():
    names = {plan.strategy for plan in plans_of(study("{name: n, strategies: all}"))}
    assert {"projection", "pairwise", "tying"} <= names
    assert "none" not in names


def test_a_plan_survives_being_kept():
    plan = Plan(
        strategy="projection",
        seeds=(3, 1),
        name="kept",
        space=(("weight", LogUniform(0.1, 1.0)), ("direction", Choice(("pca", "mean")))),
        settings=TrainSettings(dim=7, engine="fast"),
        search=SearchSettings(min_retention=0.9),
        objective=Objective(tests=("math-arts",)),
    )
    kept = study_of(plan, CORPUS.sources, CORPUS.settings)
    again = check_study(json.loads(kept.to_json()), "kept")
    assert plans_of(again) == (plan,)
    assert again.corpus.files == (str(Path("toy.txt").resolve()),)
    builtin = study_of(plan, ("enwiki-106",), CORPUS.settings)
    assert builtin.corpus.files == ()


# The line has the last word -------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: mine\ncorpus: {files: [a.txt], lowercase: true}\n"
        "trainer: {dim: 50, dynamic: false}\n"
        "strategies: [tying]\nseeds: 3\nbudget: {trials: 4}\nsearch: {warm_start: true}\n"
    )
    return str(path)


def test_what_is_not_given_on_the_line_stays(file):
    (plan,) = plans_of(line(file))
    assert (plan.settings.dim, plan.settings.dynamic, plan.strategy) == (50, False, "tying")
    assert (plan.trials, plan.seeds, plan.name) == (4, (1, 2, 3), "mine")
    assert plan.search.warm_start


def test_what_is_given_on_the_line_counts_even_when_it_is_the_default(file):
    made = line(
        *(file, "b.txt", "--dim", "100", "--dynamic", "--strategy", "projection", "--trials", "8"),
        *("--seeds", "2", "--study", "other", "--keep-case", "--knob", "direction=mean"),
        *("--set", "trainer.lr=1e-3", "--set", "objective.tests=[math-arts]"),
        *("--set", "search.warm_start=false", "--objectives", "bias,retention"),
    )
    (plan,) = plans_of(made)
    assert plan.settings == TrainSettings(lr=0.001)
    assert (plan.strategy, plan.trials, plan.seeds, plan.name) == ("projection", 8, (1, 2), "other")
    assert plan.knobs == (("direction", "mean"),)
    assert plan.objective.tests == ("math-arts",)
    assert plan.search == SearchSettings(objectives=("bias", "retention"))
    assert made.corpus.files == ("b.txt",)
    assert not made.corpus.lowercase


def test_every_kind_of_study_takes_a_file_and_any_key(file):
    words = ["--strategies", "projection@2,hard", "--set", "comparison.select=knee", "--seeds", "4"]
    given = vars(parser_of("compare").parse_args([file, *words]))
    plan = comparison_of(CompareCommand.made(given).study)
    assert [(each.strategy, each.weight) for each in plan.entries] == [
        ("projection", 2),
        ("hard", None),
    ]
    assert (plan.seeds, plan.tuning_seeds, plan.rule.name) == ((1, 2, 3, 4), (101, 102), "knee")
    assert (plan.settings.dim, plan.trials, plan.name) == (50, 4, "mine")


def test_an_option_is_one_field():
    @command
    class Own(Command):
        """Do something."""

        examples = "example: none"
        size: Whole = option("how large, in %", default=3, ge=1, le=9)
        names: tuple[str, ...] = option("of whom", default=(), flag="names")

    parser = argparse.ArgumentParser()
    prepare(parser, Own)
    assert "how large, in % (default: 3)" in " ".join(parser.format_help().split())
    made = Own.made(vars(parser.parse_args(["a", "b", "--size", "5"])))
    assert made == Own(size=5, names=("a", "b"))
    with pytest.raises(UserError, match="--size must be from 1 to 9, got 10"):
        Own.made(vars(parser.parse_args(["--size", "10"])))
    with pytest.raises(UserError, match=r"there is no key 'sizes'.*did you mean 'size'"):
        Own(sizes=5)  # type: ignore[call-arg]


def test_a_whole_number_stays_one_where_a_number_is_allowed():
    """A study without a name is called after the text of its settings: 0 is not 0.0 there."""
    assert json.dumps(vars(Objective(2, 0))["bias_weight"]) == "2"
    assert type(replace(TrainSettings(subsample=0), seed=2).subsample) is int
    assert type(study("trainer: {subsample: 0}").trainer.subsample) is float


# What is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("trainr: {}", "there is no key 'trainr'; allowed: corpus, strategies"),
        ("trainr: {}", "did you mean 'trainer'?"),
        ("trainer: {dims: 5}", "there is no key 'trainer.dims'"),
        ("trainer: {dims: 5}", "did you mean 'dim'?"),
        ("trainer: {seed: 5}", "there is no key 'trainer.seed'"),
        (
            "trainer: {dim: 5000}",
            "x.yaml: trainer.dim must be from 1 to 1,024, got 5000 (length of a vector)",
        ),
        ("trainer: {dim: 5.5}", "trainer.dim was 5.5 (length of a vector)"),
        ("trainer: {dim: true}", "trainer.dim was True"),
        ("trainer: {lr: fast}", "(learning rate at the start); allowed: a number from"),
        ("trainer: {lr: .nan}", "trainer.lr was nan"),
        ("trainer: {engine: fats}", "did you mean 'fast'?"),
        ("trainer: {dynamic: 1}", "allowed: true or false"),
        ("trainer: {engine: fast, optimizer: adamw}", "the fast engine was asked for"),
        ("corpus: {files: a.txt}", "corpus.files was 'a.txt'"),
        (
            "corpus: {min_count: 0}",
            "corpus.min_count must be at least 1, got 0 (rarer words are left out)",
        ),
        ("strategies: projektion", "did you mean 'projection'?"),
        ("strategies: []", "strategies was []"),
        ("strategies: {knobs: {}}", "strategies[0].name is missing"),
        ("strategies: {name: tying, knobs: {direction: pca}}", "no knob 'direction'"),
        ("strategies: [tying, tying]", "two strategies are called 'tying'; try: label"),
        ("strategies: {name: tying, space: {weight: {lgo: [1, 2]}}}", "did you mean 'log'?"),
        ("strategies: {name: tying, space: {weight: {log: [1, 2, 3]}}}", "allowed: a list"),
        (
            "strategies: {name: tying, space: {weight: {log: [2, 1]}}}",
            "a low end above 0 and below",
        ),
        ("strategies: {name: tying, space: {weight: {}}}", "exactly one of log, uniform, int"),
        ("strategies: {name: tying, space: {weight: {choice: [a]}}}", "numbers above 0"),
        ("strategies: {name: tying, space: {wieght: {log: [1, 2]}}}", "did you mean 'weight'?"),
        ("strategies: {name: projection, space: {direction: {choice: [pcs]}}}", "'pca'"),
        ("seeds: 0", "seeds must be from 1 to 1,000, got 0"),
        ("seeds: [1, 1]", "seed 1 is named twice"),
        ("seeds: [a]", "seeds[0] was 'a'"),
        ("budget: {trials: 0}", "budget.trials must be from 1 to 100,000, got 0"),
        ("budget: {hours: 0}", "budget.hours must be above 0, got 0"),
        ("budget: 7", "budget was 7; allowed: keys: trials, hours, stop"),
        ("search: {sampler: tpf}", "did you mean 'tpe'?"),
        ("search: {min_retention: 3}", "search.min_retention must be above 0 and below 2, got 3"),
        ("search: {objectives: [bias]}", "allowed: score or bias,retention"),
        ("search: {objectives: [bias, retention], prune: 0.3}", "of which neither alone"),
        ("{search: {sampler: grid}, budget: {trials: 10}}", "the grid has 9 points"),
        (
            "executor: dsk",
            "executor was 'dsk' (local: this machine; dask: the workers of a cluster); "
            "allowed: local, dask",
        ),
        ("name: a/b", "without slashes"),
    ],
)
def test_slips_are_named_with_what_is_allowed(text, said):
    with pytest.raises(UserError) as refused:
        plans_of(study(text))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"- a\n- b", "holds a list; allowed: keys with values"),
        (b"a: [1", "is not YAML"),
        (b"a: 1\nb: 2\na: 3", "the key 'a' appears twice in line 3"),
        (b"a: !!python/object/apply:os.system [ls]", "is not YAML: could not determine"),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
        (b"a: " + b"[" * 3000, "is not YAML"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_study(content, said, tmp_path):
    path = tmp_path / "x.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError) as refused:
        read_study(path)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("a.yaml b.yml", "two study files"),
        ("--set trainer.dim=x", "the command line: trainer.dim was 'x'"),
        ("--set trainr.dim=5", "did you mean 'trainer'?"),
        ("--dim 5000", "--dim must be from 1 to 1,024, got 5000"),
        ("--sampler tpf", "--sampler was 'tpf'"),
        ("--objectives bias", "--objectives was 'bias'"),
        ("--prune 2", "--prune must be above 0 and below 1, got 2.0"),
    ],
)
def test_slips_on_the_line(words, said):
    with pytest.raises(UserError) as refused:
        line(*words.split())
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-3", 0.001), ("1E5", 1e5), ("1.5e-2", 0.015), ("3", 3), ("pca", "pca"), ("[a", "[a")],
)
def test_numbers_are_read_as_people_write_them(text, value):
    assert parse(text) == value
    assert type(parse(text)) is type(value)
