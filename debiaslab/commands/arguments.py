"""Arguments that several commands share, and the values they make."""

from __future__ import annotations

import argparse
import math
import shlex
import warnings
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from debiaslab.commands.files import CACHE, Input, StoreFolder
from debiaslab.errors import UserError

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus, CorpusSettings, Mapper
    from debiaslab.sgns import TrainSettings
    from debiaslab.tracking import RunInfo, Store
    from debiaslab.vectors import BadWords
    from debiaslab.vectors.embeddings import Embeddings

STORE = "mlruns"
SUBMISSIONS = "submissions"
MIN_COUNT = 5
RARE = "drop"
MARKS = "auto"
LARGEST_SEED = 2**31 - 1
NAMED = "named"  # where --study goes when it stands for the argument NAME


def whole(low: int | None = None, high: int | None = None) -> Callable[[str], int]:
    """Return a type for argparse: a whole number, both ends allowed."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise _refused(text, "whole number", low, high) from None
        if (low is not None and value < low) or (high is not None and value > high):
            raise _refused(text, "whole number", low, high)
        return value

    return parse


def real(text: str) -> float:
    """Parse a number for argparse; its limits are checked where it is used."""
    try:
        return float(text)
    except ValueError:
        raise _refused(text, "number", None, None) from None


def similarity(text: str) -> float:
    """Parse a number from -1 to 1 for argparse."""
    value = real(text)
    if not (math.isfinite(value) and -1 <= value <= 1):
        raise _refused(text, "number", -1, 1)
    return value


def _refused(text: str, kind: str, low: int | None, high: int | None) -> argparse.ArgumentTypeError:
    limits = "" if low is None else f" from {low:,}"
    limits += "" if high is None else f" to {high:,}"
    return argparse.ArgumentTypeError(f"{text!r} cannot be used; allowed: a {kind}{limits}")


def add_corpus(parser: argparse.ArgumentParser) -> None:
    """Add the corpus files and what shapes their ids."""
    group = parser.add_argument_group("corpus")
    group.add_argument(
        "corpus",
        nargs="*",
        default=[],
        type=Input,
        metavar="CORPUS",
        help="text files, one document a line (.txt, .gz, .bz2, .zst); none: the built-in "
        "106 Wikipedia articles",
    )
    group.add_argument(
        "--mwes", type=Input, metavar="FILE", help="multi-word expressions, one phrase a line"
    )
    group.add_argument(
        "--min-count", type=whole(1), default=MIN_COUNT, help="rarer words are left out"
    )
    group.add_argument(
        "--rare", default=RARE, help="rare words: drop them, or unk for the token <UNK>"
    )
    group.add_argument("--keep-case", action="store_true", help="do not lower-case the text")
    group.add_argument(
        "--marks",
        default=MARKS,
        help="combining marks: keep them in words, cut words at them as \\w+ does, or auto: keep "
        "unless fewer than one word in 1,000 has any",
    )


def add_training(parser: argparse.ArgumentParser, *, seed: bool) -> None:
    """Add the hyperparameters of SGNS."""
    group = parser.add_argument_group("training")
    group.add_argument("--dim", type=whole(), default=100, help="length of a vector")
    group.add_argument("--window", type=whole(), default=5, help="context words on each side")
    window = group.add_mutually_exclusive_group()
    window.add_argument(
        "--dynamic",
        dest="dynamic",
        action="store_true",
        default=True,
        help="draw each window from 1 to --window, as word2vec does",
    )
    window.add_argument(
        "--fixed", dest="dynamic", action="store_false", help="always use the whole window"
    )
    group.add_argument("--negatives", type=whole(), default=5, help="noise words per positive pair")
    group.add_argument("--epochs", type=whole(), default=15, help="passes over the corpus")
    group.add_argument(
        "--subsample", type=real, default=1e-3, help="threshold for frequent words; 0: off"
    )
    group.add_argument("--lr", type=real, default=0.025, help="learning rate at the start")
    group.add_argument(
        "--optimizer", default="sgd", help="sgd (linear decay), adamw or sparse_adam"
    )
    group.add_argument(
        "--batch-size", type=whole(), default=1024, help="positions per step (reference engine)"
    )
    group.add_argument(
        "--layout",
        default="word2vec",
        help="batch rows of the reference engine: word2vec or homework",
    )
    group.add_argument(
        "--patience",
        type=whole(),
        help="stop after this many reports (hundredths of the training) without a better loss",
    )
    group.add_argument(
        "--threads", type=whole(), default=1, help="1 is bit-reproducible; more is faster"
    )
    group.add_argument("--engine", help="fast or reference; none: fast where it can run")
    group.add_argument("--device", default="cpu", help="device of the reference engine")
    if seed:
        group.add_argument("--seed", type=whole(), default=1, help="seed of every random draw")


def add_knobs(group: argparse._ArgumentGroup) -> None:
    """Add the strategy's settings besides λ."""
    group.add_argument(
        "--knob",
        metavar="NAME=VALUE",
        type=_knob,
        action="append",
        default=[],
        help="a setting of the strategy besides λ, such as direction=mean for projection",
    )


def add_objective(group: argparse._ArgumentGroup) -> None:
    """Add what bias and lost utility weigh in the score."""
    group.add_argument(
        "--bias-weight", type=real, default=1.0, help="weight of the bias in the score"
    )
    group.add_argument(
        "--retention-weight", type=real, default=5.0, help="weight of lost utility in the score"
    )


def _knob(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    if name == "weight":
        raise argparse.ArgumentTypeError("λ is no knob: train takes --weight, sweep searches it")
    return name, value


def add_reading(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Add how vector files are read; :func:`read_vectors` reads them so."""
    parser.add_argument(
        "--frequencies",
        type=Input,
        metavar="FILE",
        help="how often words occur, a word and its count a line, for vectors whose file does not "
        "have the most frequent words first",
    )
    parser.add_argument(
        "--bad-words",
        default="refuse",
        help="words that are not UTF-8, repeated, or hold a space: refuse the file, or skip them",
    )


class Reader:
    """Reads vector files as the arguments say; the frequencies are read once.

    Args:
        args: What :func:`add_reading` added, parsed.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        from debiaslab.vectors import read_frequencies
        from debiaslab.vectors.table import Wanted

        Wanted(args.bad_words)  # a slip is told before anything is read
        self._bad_words: BadWords = args.bad_words
        self._frequencies = None if args.frequencies is None else read_frequencies(args.frequencies)

    def read(self, file: str, words: str | None = None) -> Embeddings:
        """Return the vectors of a file; ``words`` is for a bare array."""
        from debiaslab.vectors.embeddings import Embeddings

        return Embeddings.load(
            file, words, bad_words=self._bad_words, frequencies=self._frequencies
        )

    def in_order(self, file: str) -> Embeddings:
        """Return the vectors of a file, with a warning when they do not stand by frequency."""
        embeddings = self.read(file)
        if (problem := embeddings.order_warning()) is not None:
            warnings.warn(f"{file}: {problem}", stacklevel=2)
        return embeddings


def add_study_name(parser: argparse.ArgumentParser, *, instead: str | None = None) -> None:
    """Add the study that a command looks up: NAME, or ``--study NAME``.

    Args:
        parser: Of the command.
        instead: What is taken when no study is named; None: one has to be.
    """
    if instead is None:
        what = "of a study, or of a study file's studies"
        parser.add_argument("study", metavar="NAME", help=what)
    else:
        parser.add_argument("study", nargs="?", metavar="NAME", help=f"of a study; none: {instead}")
    parser.add_argument("--study", dest=NAMED, metavar="NAME", help="the same")


def named_first(parser: argparse.ArgumentParser, words: Sequence[str]) -> list[str]:
    """Return the words with the value of ``--study`` in the place of NAME, if there is one."""
    words = list(words)
    if not any(action.dest == NAMED for action in parser._actions):
        return words
    for i, word in enumerate(words):
        if word == "--study" and i + 1 < len(words):
            return [words[i + 1], *words[:i], *words[i + 2 :]]
        if word.startswith("--study="):
            return [word.removeprefix("--study="), *words[:i], *words[i + 1 :]]
    return words


def add_store(parser: argparse.ArgumentParser, *, written: bool = False) -> None:
    """Add the folder of the local store, which the command only reads unless ``written``."""
    parser.add_argument(
        "--store",
        type=StoreFolder if written else str,
        metavar="DIR",
        default=STORE,
        help="folder of the local store; MLFLOW_TRACKING_URI overrides it for the runs",
    )


def corpus_settings(args: argparse.Namespace) -> CorpusSettings:
    """Return what shapes the ids, and make sure that the corpus files are there."""
    from debiaslab.corpus import CorpusSettings
    from debiaslab.corpus.sources import sources_of

    settings = CorpusSettings(
        mwes=args.mwes,
        lowercase=not args.keep_case,
        min_count=args.min_count,
        rare=args.rare,
        marks=args.marks,
    )
    sources_of(args.corpus)
    return settings


def corpus_from(args: argparse.Namespace, mapper: Mapper | None = None) -> Corpus:
    """Encode the corpus that the arguments name, with a mapper, or take it from the cache."""
    from debiaslab.corpus import Corpus, in_turn

    return Corpus.build(args.corpus, corpus_settings(args), cache=CACHE, mapper=mapper or in_turn)


def settings_from(args: argparse.Namespace) -> TrainSettings:
    """Return the training settings that the arguments name."""
    from debiaslab.sgns import TrainSettings

    names = {field.name for field in fields(TrainSettings)}
    given: dict[str, Any] = {k: v for k, v in vars(args).items() if k in names}
    settings = TrainSettings(**given)
    check_device(settings.device)
    return settings


def check_device(name: str) -> None:
    """Make sure that torch can compute on a device."""
    import torch

    try:
        torch.zeros(1, device=name).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        accelerator = torch.accelerator.current_accelerator()
        known = ["cpu"] if accelerator is None else ["cpu", str(accelerator)]
        raise UserError(
            f"--device was {name!r}, which cannot be used here",
            allowed=", ".join(known),
            next_step="--device cpu",
        ) from error


def check_store(args: argparse.Namespace) -> None:
    """Make sure, before long work, that runs can be logged; the store is made when it is new."""
    from debiaslab.tracking import Store

    check_store_place(args)
    Store.open(args.store)


def check_store_place(args: argparse.Namespace) -> None:
    """Make sure that a store can be made or written where it should be, without making one."""
    from debiaslab.system.files import check_output_folder

    _refuse_file(args.store)
    check_output_folder(args.store)


def next_command(*words: str, store: str | None = None) -> str:
    """Return a command of ours as a user can paste it.

    Args:
        words: What follows the program's name, not quoted.
        store: Folder of the store, which is named unless it is the default; None: never.
    """
    where = [] if store in (None, STORE) else ["--store", str(store)]
    return f"python -m debiaslab {shlex.join([*words, *where])}"


def open_store(args: argparse.Namespace) -> Store:
    """Open the store that is there, to read it: nothing in it is changed."""
    from debiaslab.tracking import Store

    _refuse_file(args.store)
    return Store.read(args.store)


def open_store_to_write(args: argparse.Namespace) -> Store:
    """Open the store that is there, to write to it."""
    from debiaslab.tracking import Store

    _refuse_file(args.store)
    return Store.open(args.store, create=False)


def _refuse_file(store: str) -> None:
    if Path(store).is_file():
        raise UserError(
            f"the store {store} is a file",
            allowed="a folder",
            next_step="move that file aside, or --store with another folder",
        )


def run_vectors(store: Store, run: RunInfo) -> Embeddings:
    """Load the vectors of a run.

    Raises:
        UserError: The run is a study (its best run is named) or a comparison, or it ended before
            it had vectors.
    """
    from debiaslab.tracking import STUDY_TAG, VECTORS
    from debiaslab.tracking.names import COMPARISON_TAG, STUDY_KIND
    from debiaslab.vectors.embeddings import Embeddings

    if run.kind == STUDY_KIND:
        name = run.tags.get(STUDY_TAG, run.name)
        if run.tags.get(COMPARISON_TAG) == "true":
            step = f"{next_command('status', name)}, which shows the ids of its runs"
        else:
            step = f"--run {store.best(name).run_id} for its best run"
        raise UserError(
            f"{run.run_id} is the study {name!r}, which has no vectors of its own",
            next_step=step,
        )
    if VECTORS not in store.artifacts(run.run_id):
        raise UserError(
            f"run {run.run_id} ({run.name}, {run.status}) has no vectors",
            allowed="a run that has finished and whose files are in the store",
            next_step="python -m debiaslab ui",
        )
    return Embeddings.load(store.artifact(run.run_id, VECTORS))


def best_run(store: Store, args: argparse.Namespace) -> RunInfo:
    """Return the run that ``--run`` names, or the best one of ``--study``."""
    if args.run is not None:
        return store.run_named(args.run)
    return store.best(args.study)


def one_of(args: argparse.Namespace, *names: str) -> None:
    """Refuse anything but exactly one of the named options.

    Raises:
        UserError: None of them, or more than one, was given.
    """
    given = [f"--{name}" for name in names if getattr(args, name) is not None]
    if len(given) != 1:
        options = ", ".join(f"--{name}" for name in names)
        raise UserError(
            f"{' and '.join(given)} were given together" if given else "no vectors were named",
            allowed=f"exactly one of {options}",
            next_step="python -m debiaslab studies",
        )
