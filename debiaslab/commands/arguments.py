"""Arguments that several commands share, and the values they make."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from debiaslab.errors import UserError

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.sgns import TrainSettings
    from debiaslab.tracking import RunInfo, Store

STORE = "mlruns"
CACHE = "data/cache"


def add_corpus(parser: argparse.ArgumentParser) -> None:
    """Add the corpus files and what shapes their ids."""
    group = parser.add_argument_group("corpus")
    group.add_argument(
        "corpus",
        nargs="*",
        metavar="CORPUS",
        help="text files, one document a line (.txt, .gz, .bz2, .zst); none: the built-in "
        "106 Wikipedia articles",
    )
    group.add_argument("--mwes", metavar="FILE", help="multi-word expressions, one phrase a line")
    group.add_argument("--min-count", type=int, default=5, help="rarer words are left out")
    group.add_argument(
        "--rare", default="drop", help="rare words: drop them, or unk for the token <UNK>"
    )
    group.add_argument("--keep-case", action="store_true", help="do not lower-case the text")


def add_training(parser: argparse.ArgumentParser, *, seed: bool) -> None:
    """Add the hyperparameters of SGNS."""
    group = parser.add_argument_group("training")
    group.add_argument("--dim", type=int, default=100, help="length of a vector")
    group.add_argument("--window", type=int, default=5, help="context words on each side")
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
    group.add_argument("--negatives", type=int, default=5, help="noise words per positive pair")
    group.add_argument("--epochs", type=int, default=15, help="passes over the corpus")
    group.add_argument(
        "--subsample", type=float, default=1e-3, help="threshold for frequent words; 0: off"
    )
    group.add_argument("--lr", type=float, default=0.025, help="learning rate at the start")
    group.add_argument(
        "--optimizer", default="sgd", help="sgd (linear decay), adamw or sparse_adam"
    )
    group.add_argument(
        "--batch-size", type=int, default=1024, help="positions per step (reference engine)"
    )
    group.add_argument(
        "--layout",
        default="word2vec",
        help="batch rows of the reference engine: word2vec or homework",
    )
    group.add_argument(
        "--patience",
        type=int,
        help="stop after this many reports (hundredths of the training) without a better loss",
    )
    group.add_argument(
        "--threads", type=int, default=1, help="1 is bit-reproducible; more is faster"
    )
    group.add_argument("--engine", help="fast or reference; none: fast where it can run")
    group.add_argument("--device", default="cpu", help="device of the reference engine")
    if seed:
        group.add_argument("--seed", type=int, default=1, help="seed of every random draw")


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


def _knob(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    if name == "weight":
        raise argparse.ArgumentTypeError("λ is no knob: train takes --weight, sweep searches it")
    return name, value


def add_store(parser: argparse.ArgumentParser) -> None:
    """Add the folder of the local store."""
    parser.add_argument(
        "--store",
        metavar="DIR",
        default=STORE,
        help="folder of the local store; MLFLOW_TRACKING_URI overrides it for the runs",
    )


def corpus_from(args: argparse.Namespace) -> Corpus:
    """Encode the corpus that the arguments name, or take it from the cache."""
    from debiaslab.corpus import Corpus, CorpusSettings

    settings = CorpusSettings(
        mwes=args.mwes,
        lowercase=not args.keep_case,
        min_count=args.min_count,
        rare=args.rare,
    )
    return Corpus.build(args.corpus, settings, cache=CACHE)


def settings_from(args: argparse.Namespace) -> TrainSettings:
    """Return the training settings that the arguments name."""
    from debiaslab.sgns import TrainSettings

    names = {field.name for field in fields(TrainSettings)}
    given: dict[str, Any] = {k: v for k, v in vars(args).items() if k in names}
    return TrainSettings(**given)


def best_run(store: Store, args: argparse.Namespace) -> RunInfo:
    """Return the run that ``--run`` names, or the best one of ``--study``."""
    if args.run is not None:
        return store.run(args.run)
    return store.best(args.study)


def one_of(args: argparse.Namespace, *names: str) -> None:
    """Refuse anything but exactly one of the named options.

    Raises:
        UserError: None of them, or more than one, was given.
    """
    given = [f"--{name}" for name in names if getattr(args, name) is not None]
    if len(given) != 1:
        raise UserError(
            f"{' and '.join(given) or 'neither of them'} was given",
            allowed="exactly one of " + ", ".join(f"--{name}" for name in names),
            next_step="python -m debiaslab studies",
        )
