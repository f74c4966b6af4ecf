"""Search λ of a strategy: trains a baseline and one run per λ and seed, all logged to MLflow.

The same command again continues the study. Bias is tuned on the tune half of the word lists and
reported on the other half as well; see the printed formula. A study file (.yaml, such as those in
experiments/) names everything at once; options given beside it change it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from debiaslab.commands.arguments import SUBMISSIONS, add_store, check_store, next_command
from debiaslab.commands.study_arguments import (
    add_study,
    check_corpus,
    check_submissions,
    conduct_of,
    corpus_of,
    study_from,
)
from debiaslab.tables import Table

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.study.spec import StudyFile

INTERRUPTED = (
    "interrupted; what was recorded is kept; try: the same command again, which goes on from there"
)
EXAMPLES = """examples:
  python -m debiaslab sweep --strategy projection
  python -m debiaslab sweep experiments/quickstart.yaml
  python -m debiaslab sweep experiments/homework.yaml biographies.txt.gz --trials 20
  python -m debiaslab sweep biographies.txt.gz --strategy pairwise --epochs 3 --trials 20 --seeds 3
  python -m debiaslab sweep --objectives bias,retention --sampler nsga2 --trials 24
  python -m debiaslab sweep --min-retention 0.98 --set objective.tests=[career-family]"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_study(parser)
    add_store(parser, written=True)


def run(args: argparse.Namespace) -> Iterator[str | Table]:
    """Run or continue the sweep, then print its table and where things are."""
    study = study_from(args)
    check_submissions(study)  # what can fail at once comes before what takes long
    check_corpus(study)
    check_store(args)
    yield from run_any(study, args.store)


def run_any(study: StudyFile, root: str, corpus: Corpus | None = None) -> Iterator[str | Table]:
    """Run or continue a study of any kind, and say what it found, as ``run_study`` does."""
    from debiaslab.commands import compare, floor, planted

    kinds = {
        "sweep": run_study,
        "compare": compare.run_study,
        "planted": planted.run_study,
        "floor": floor.run_study,
    }
    yield from kinds[study.kind](study, root, corpus)


def run_study(study: StudyFile, root: str, corpus: Corpus | None = None) -> Iterator[str | Table]:
    """Run or continue every strategy of a study, and say what each found.

    Args:
        study: The study.
        root: Folder of the store.
        corpus: Its corpus; None: its files are read.
    """
    from debiaslab.study.summary import NOTHING_LEFT
    from debiaslab.study.sweeping import check_sweep, conduct_sweep

    check_submissions(study)
    conduct = conduct_of(study, root)
    corpus = corpus_of(study) if corpus is None else corpus
    plans = study.plans()
    for plan in plans:  # what the last of several would be refused for is said before the first
        check_sweep(corpus, plan, root=root, submissions=SUBMISSIONS)
    for plan in plans:
        summary = conduct_sweep(corpus, plan, conduct)
        if summary.trained == 0:
            yield NOTHING_LEFT
        yield from summary.blocks
        yield f"next: {next_command('ui', '--study', summary.name, store=root)}"
