"""Continue a study by its name: its settings are kept with it.

The corpus is looked for where it was, then by its fingerprint in the cache here, then in the store,
which has it when the study ran on a cluster; or name its files. It must be the same text. Where the
trials run may change from one command to the next.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from debiaslab.commands.arguments import (
    add_store,
    add_study_name,
    check_device,
    next_command,
    open_store_to_write,
    real,
    whole,
)
from debiaslab.commands.files import CACHE, Input
from debiaslab.commands.study_arguments import (
    check_corpus,
    check_executor,
    check_submissions,
    corpus_of,
)
from debiaslab.commands.sweep import INTERRUPTED, run_any
from debiaslab.errors import UserError

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.study.spec import StudyFile
    from debiaslab.tables import Table
    from debiaslab.tracking import Store, StudyRun

__all__ = ["EXAMPLES", "INTERRUPTED", "add_arguments", "run"]
EXAMPLES = """examples:
  python -m debiaslab resume quickstart
  python -m debiaslab resume biographies --trials 40
  python -m debiaslab resume biographies /data/biographies.txt.gz
  python -m debiaslab resume biographies --executor dask --scheduler tcp://10.0.0.1:8786"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_study_name(parser)
    parser.add_argument(
        "corpus", nargs="*", type=Input, metavar="CORPUS", help="where the text is now"
    )
    parser.add_argument(
        "--trials", type=whole(1, 100_000), help="λs to try, in all; none: as it was"
    )
    parser.add_argument("--hours", type=real, help="begin no further trial after this time")
    parser.add_argument(
        "--workers",
        type=whole(1),
        help="processes that share the trials, at most one for each core; none: as it was",
    )
    parser.add_argument(
        "--executor",
        help="local: this machine; dask: the workers of a cluster; none: as it was. Another one "
        "than before forgets the scheduler and the number of workers",
    )
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="of the Dask cluster, such as tcp://10.0.0.1:8786"
    )
    add_store(parser, written=True)


def run(args: argparse.Namespace) -> Iterator[str | Table]:
    """Go on, then say what was found, as sweep does."""
    from debiaslab.study.kept import kept_study
    from debiaslab.study.spec import with_budget, with_corpus, with_executor

    store = open_store_to_write(args)
    study, begun = kept_study(store, args.study)
    study = with_budget(study, trials=args.trials, hours=args.hours)
    if args.corpus:
        moved = study.corpus.model_copy(update={"files": tuple(args.corpus)})
        study = with_corpus(study, moved)
    study = with_executor(
        study, executor=args.executor, scheduler=args.scheduler, workers=args.workers
    )
    check_submissions(study)  # what can fail at once comes before what takes long
    check_executor(study)
    check_device(study.trainer.device)
    corpus = None if args.corpus else _without_text(store, study, begun)
    if corpus is None:
        check_corpus(study)
        corpus = _same_text(study, args, begun)
    yield from run_any(study, args.store, corpus)


def _same_text(study: StudyFile, args: argparse.Namespace, begun: Sequence[StudyRun]) -> Corpus:
    """Return the encoded corpus of the files; refuse another text than the study's."""
    corpus = corpus_of(study)
    wanted = begun[0].params["corpus_fingerprint"]
    if corpus.fingerprint != wanted:
        again = next_command("resume", args.study, store=args.store)
        raise UserError(
            f"the text of {args.study!r} was another (fingerprint of the corpus: {wanted[:12]}… → "
            f"{corpus.fingerprint[:12]}…)",
            allowed="the text the study was begun with, wherever it is now",
            next_step=f"{again} FILE…, or sweep with another --study NAME",
        )
    return corpus


def _without_text(store: Store, study: StudyFile, begun: Sequence[StudyRun]) -> Corpus | None:
    """Return the encoded corpus of a study whose text is not here; None: it is, or nothing is."""
    from debiaslab.corpus.corpus import CorpusReference
    from debiaslab.study.kept import find_corpus
    from debiaslab.tracking.names import CORPUS_FOLDER

    files = study.corpus.files
    if all(Path(file).is_file() for file in files):
        return None
    run = begun[0]
    fingerprint = run.params["corpus_fingerprint"]
    path = Path(CACHE) / f"fetched-{fingerprint[:16]}"
    wanted = CorpusReference(
        fingerprint, path, study.corpus.settings(), run.params["corpus"], files
    )
    found = wanted.find(CACHE)
    if found is None and CORPUS_FOLDER in store.artifacts(run.run_id):
        found = find_corpus(store, run.run_id, wanted, CACHE)
    return found
