"""A study from a study file, from the command line, or from both: the line has the last word."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debiaslab.commands.arguments import (
    SUBMISSIONS,
    add_corpus,
    add_knobs,
    add_objective,
    add_training,
    check_device,
    real,
    whole,
)
from debiaslab.commands.files import CACHE
from debiaslab.errors import UserError

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.study.driver import Conduct
    from debiaslab.study.executors import Executor
    from debiaslab.study.spec import StudyFile

_YAML = (".yaml", ".yml")
_OWN = ("knob", "set", "store", "command", "yes")  # no values of a study file by themselves
# option → key of the study file; the rest of the training options are under trainer
_KEYS = {
    "corpus": "corpus.files",
    "mwes": "corpus.mwes",
    "min_count": "corpus.min_count",
    "rare": "corpus.rare",
    "marks": "corpus.marks",
    "strategy": "strategies",
    "cover": "cover",
    "seeds": "seeds",
    "study": "name",
    "trials": "budget.trials",
    "hours": "budget.hours",
    "stop": "budget.stop",
    "bias_weight": "objective.bias_weight",
    "retention_weight": "objective.retention_weight",
    "sampler": "search.sampler",
    "objectives": "search.objectives",
    "min_retention": "search.min_retention",
    "prune": "search.prune",
    "warm_start": "search.warm_start",
    "points": "search.points",
    "workers": "workers",
    "executor": "executor",
    "scheduler": "scheduler",
}


class Default:
    """A default that is shown in the help and can be told from a value that was given."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __str__(self) -> str:
        return str(self.value)


def add_study(parser: argparse.ArgumentParser) -> None:
    """Add everything a study is made of."""
    add_corpus(parser)
    group = parser.add_argument_group("study")
    group.add_argument("--strategy", default="projection", help="strategy whose λ is searched")
    group.add_argument("--trials", type=whole(1, 100_000), default=8, help="λs to try, in all")
    group.add_argument(
        "--seeds", type=whole(1, 1000), default=2, help="trainings per λ, with seeds 1, 2, …"
    )
    group.add_argument("--study", metavar="NAME", help="name; none: made from the settings")
    add_knobs(group)
    group.add_argument(
        "--cover", default="all", help="non-gender words to act on: tune, vocabulary or all"
    )
    add_objective(group)
    group.add_argument(
        "--set",
        metavar="KEY=VALUE",
        type=_assignment,
        action="append",
        default=[],
        help="any value of a study file, such as trainer.lr=0.01 or seeds=[4,5]",
    )
    add_executor(group)
    _add_search(parser.add_argument_group("search"))
    add_training(parser, seed=False)
    for action in parser._actions:
        if action.nargs == 0 and action.dest != "help":
            action.default = None  # a flag that was not given
        elif action.default not in (None, argparse.SUPPRESS) and action.default != []:
            action.default = Default(action.default)


def add_executor(group: argparse._ArgumentGroup) -> None:
    """Add where the trainings of a study run."""
    group.add_argument(
        "--workers",
        type=whole(1),
        default=1,
        help="processes that share the trainings; on one machine times --threads at most its cores",
    )
    group.add_argument(
        "--executor", default="local", help="local: this machine; dask: the workers of a cluster"
    )
    group.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="of the Dask cluster, such as tcp://10.0.0.1:8786; none: processes of this machine",
    )


def add_plan(group: argparse._ArgumentGroup) -> None:
    """Add that nothing is trained."""
    group.add_argument(
        "--plan",
        action="store_true",
        help="show what would be trained and how long it takes, and train nothing",
    )


def with_where(study: StudyFile, args: argparse.Namespace) -> StudyFile:
    """Return the study with where its trainings run, as the line says."""
    from debiaslab.study.spec import with_executor

    return with_executor(
        study, executor=args.executor, scheduler=args.scheduler, workers=args.workers
    )


def named_sources(args: argparse.Namespace) -> tuple[str, ...]:
    """Return the corpus files of the line as a corpus calls its sources."""
    from debiaslab.corpus.sources import BuiltinSource

    return tuple(args.corpus) or (BuiltinSource.label,)


def conduct_of(study: StudyFile, root: str) -> Conduct:
    """Return how a study is run: where, and with which store.

    Raises:
        UserError: There would be more threads than cores, or the cluster cannot be reached.
    """
    from debiaslab.study.driver import Conduct

    return Conduct(Path(root), Path(SUBMISSIONS), executor_of(study), file=study)


def _add_search(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--sampler", default="tpe", help="how to choose: tpe, gp, nsga2, grid, qmc or random"
    )
    group.add_argument(
        "--objectives",
        default="score",
        type=lambda text: tuple(each.strip() for each in text.split(",")),
        help="score, or bias,retention for a Pareto front",
    )
    group.add_argument(
        "--min-retention", type=real, help="least retention of the best trial, such as 0.98"
    )
    group.add_argument(
        "--prune",
        metavar="P",
        type=real,
        help="end a trial when its first seeds are worse than the best trial's at this level "
        "(Wilcoxon): above 0.5 after one seed, above 0.25 after two; none: never",
    )
    group.add_argument(
        "--warm-start",
        action="store_true",
        help="start trials from the baseline's vectors instead of anew",
    )
    group.add_argument("--points", type=whole(), default=9, help="grid points on each knob")
    group.add_argument("--hours", type=real, help="begin no further trial after this time")
    group.add_argument(
        "--stop",
        action="store_true",
        help="end when further trials cannot gain more than the seeds differ",
    )


def _assignment(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value


def study_from(args: argparse.Namespace) -> StudyFile:
    """Return the study that the arguments name.

    Raises:
        UserError: The file cannot be read, or a value of it or of the line cannot be used.
    """
    from debiaslab.settings.study import parse
    from debiaslab.study.spec import check_study, read_study

    path, files = _file(args)
    given = {key: value for key, value in vars(args).items() if _is_given(value)}
    given["corpus"] = files
    _check_given(given, tuple(args.knob) if path is None or "strategy" in given else ())
    content = {} if path is None else read_study(path)
    if path is not None:
        check_study(content, path)  # its own slips are named before those of the line
    for key, value in given.items():
        if key == "keep_case":
            _put(content, "corpus.lowercase", False)
        elif key not in _OWN and not (key == "corpus" and not value):
            _put(content, _KEYS.get(key, f"trainer.{key}"), value)
    for key, text in args.set:
        _put(content, key, parse(text))
    study = check_study(content, path or "the command line")
    return _with_knobs(study, dict(args.knob))


def corpus_of(study: StudyFile) -> Corpus:
    """Encode the corpus of a study, or take it from the cache."""
    from debiaslab.corpus import Corpus

    return Corpus.build(study.corpus.files, study.corpus.settings(), cache=CACHE)


def executor_of(study: StudyFile) -> Executor | None:
    """Return what runs the participants of a study; None: this process alone.

    Raises:
        UserError: There would be more threads than cores, or the cluster cannot be reached.
    """
    from debiaslab.study.cluster import DaskCluster
    from debiaslab.study.executors import Processes

    check_executor(study)
    if study.executor == "dask":
        cluster = DaskCluster(study.scheduler, study.workers if study.workers > 1 else None)
        cluster.check()
        return cluster
    return None if study.workers == 1 else Processes(study.workers)


def check_executor(study: StudyFile) -> None:
    """Refuse what cannot run the participants of a study; a cluster is not asked.

    Raises:
        UserError: There would be more threads than cores, the scheduler's address is none or not
            wanted, or Dask is not installed.
    """
    from debiaslab.study.cluster import check_address, shown_address
    from debiaslab.study.executors import Processes

    if study.executor == "dask":
        check_address(study.scheduler)
    elif study.scheduler is not None:
        raise UserError(
            f"--scheduler was {shown_address(study.scheduler)!r}, of a Dask cluster",
            next_step="--executor dask",
        )
    elif study.workers > 1:
        Processes(study.workers).check(study.trainer.threads)


def check_corpus(study: StudyFile) -> None:
    """Make sure that the corpus files are there and the device can be used."""
    from debiaslab.corpus.sources import sources_of

    study.corpus.settings()
    sources_of(study.corpus.files)
    check_device(study.trainer.device)


def check_submissions(study: StudyFile) -> None:
    """Make sure that the plans make sense and that what they end with can be written."""
    from debiaslab.study.sweeping import check_submission

    read = [*study.corpus.files, *([study.corpus.mwes] if study.corpus.mwes else [])]
    for plan in study.plans() if study.kind == "sweep" else ():
        check_submission(Path(SUBMISSIONS), plan.name or "name", read)


def _file(args: argparse.Namespace) -> tuple[str | None, list[str]]:
    """Return the study file and the corpus files among the positional arguments."""
    words = list(args.corpus)
    studies = [word for word in words if Path(word).suffix.lower() in _YAML]
    if len(studies) > 1:
        raise UserError(f"{' and '.join(studies)} are two study files", allowed="one at a time")
    return (studies[0] if studies else None), [word for word in words if word not in studies]


def _is_given(value: object) -> bool:
    return value is not None and value != [] and not isinstance(value, Default)


def _check_given(given: Mapping[str, Any], knobs: tuple[tuple[str, str], ...]) -> None:
    """Refuse options by the names they have on the line, not by keys of a file."""
    from dataclasses import fields

    from debiaslab.corpus import CorpusSettings
    from debiaslab.sgns import TrainSettings
    from debiaslab.study import Objective, Plan
    from debiaslab.study.plan import SearchSettings

    for settings in (TrainSettings, Objective, SearchSettings):
        names = {field.name for field in fields(settings)}
        settings(**{key: value for key, value in given.items() if key in names})
    corpus = {key: given[key] for key in ("mwes", "min_count", "rare", "marks") if key in given}
    CorpusSettings(**corpus)
    plan = {key: given[key] for key in ("strategy", "cover", "hours") if key in given}
    Plan(**plan, knobs=knobs, name=given.get("study"))


def _put(content: dict[str, Any], key: str, value: Any) -> None:
    *folders, last = key.split(".")
    for folder in folders:
        inner = content.get(folder)
        content[folder] = dict(inner) if isinstance(inner, dict) else {}
        content = content[folder]
    content[last] = value


def _with_knobs(study: StudyFile, knobs: Mapping[str, str]) -> StudyFile:
    """Set knobs of every strategy of the study."""
    if not knobs:
        return study
    strategies = tuple(
        each.model_copy(update={"knobs": {**each.knobs, **knobs}}) for each in study.strategies
    )
    return study.model_copy(update={"strategies": strategies})
