"""Continue a study by its name: its settings are kept with it.

The corpus is looked for where it was; name its files when they have moved. It must be the same
text: the study is of its fingerprint. Where the trials run may change from one command to the next.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from debiaslab.commands.arguments import add_store, open_store, real, whole
from debiaslab.commands.study_arguments import check_corpus
from debiaslab.commands.sweep import INTERRUPTED, run_study

__all__ = ["EXAMPLES", "INTERRUPTED", "add_arguments", "run"]
EXAMPLES = """examples:
  python -m debiaslab resume quickstart
  python -m debiaslab resume biographies --trials 40
  python -m debiaslab resume biographies /data/biographies.txt.gz
  python -m debiaslab resume biographies --executor dask --scheduler tcp://10.0.0.1:8786"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("name", metavar="NAME", help="of a study, or of a study file's studies")
    parser.add_argument("corpus", nargs="*", metavar="CORPUS", help="where the text is now")
    parser.add_argument(
        "--trials", type=whole(1, 100_000), help="λs to try, in all; none: as it was"
    )
    parser.add_argument("--hours", type=real, help="begin no further trial after this time")
    parser.add_argument(
        "--workers", type=whole(1, 10_000), help="processes that share the trials; none: as it was"
    )
    parser.add_argument(
        "--executor",
        help="local: this machine; dask: the workers of a cluster; none: as it was. Another one "
        "than before forgets the scheduler and the number of workers",
    )
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="of the Dask cluster, such as tcp://10.0.0.1:8786"
    )
    add_store(parser)


def run(args: argparse.Namespace) -> Iterator[str]:
    """Go on, then say what was found, as sweep does."""
    from debiaslab.study.files import with_budget, with_corpus, with_executor
    from debiaslab.study.kept import kept_study

    study, _ = kept_study(open_store(args), args.name)
    study = with_budget(study, trials=args.trials, hours=args.hours)
    if args.corpus:
        moved = study.corpus.model_copy(update={"files": tuple(args.corpus)})
        study = with_corpus(study, moved)
    study = with_executor(
        study, executor=args.executor, scheduler=args.scheduler, workers=args.workers
    )
    study.plans()
    check_corpus(study)
    yield from run_study(study, args.store)
