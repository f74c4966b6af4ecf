"""What several commands share: the store, the vectors of files and runs, and the next command."""

from __future__ import annotations

import argparse
import shlex
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from debiaslab.commands.options import NAMED, Command, Input, StoreFolder
from debiaslab.errors import UserError
from debiaslab.settings.options import Text, command, option

if TYPE_CHECKING:
    from debiaslab.tracking import RunInfo, Store
    from debiaslab.vectors import BadWords
    from debiaslab.vectors.embeddings import Embeddings

Pairs = tuple[tuple[str, str], ...]  # what stands on the line as NAME=VALUE
STORE = "mlruns"
SUBMISSIONS = "submissions"
_STORE_HELP = "folder of the local store; MLFLOW_TRACKING_URI overrides it for the runs"


def study_name(instead: str | None = None) -> Any:
    """Return the field of the study that a command looks up: NAME, or ``--study NAME``.

    Args:
        instead: What is taken when no study is named; None: one has to be.
    """
    place = {"flag": NAMED, "metavar": "NAME"}
    if instead is None:
        return option("of a study, or of a study file's studies", **place)
    return option(f"of a study; none: {instead}", default=None, **place)


@command
class ReadsStore(Command):
    """A command that reads the store, and changes nothing in it."""

    store: Text = option(_STORE_HELP, default=STORE, metavar="DIR")

    def next(self, *words: str) -> str:
        """Return a command of ours on this store, as a user can paste it."""
        return next_command(*words, store=self.store)


@command
class WritesStore(ReadsStore):
    """A command that writes to the store."""

    store: StoreFolder = option(_STORE_HELP, default=StoreFolder(STORE), metavar="DIR")


@command
class ReadsVectors(Command):
    """A command that reads files of vectors."""

    frequencies: Input | None = option(
        "how often words occur, a word and its count a line, for vectors whose file does not have "
        "the most frequent words first",
        default=None,
        metavar="FILE",
    )
    bad_words: Literal["refuse", "skip"] = option(
        "words that are not UTF-8, repeated, or hold a space: refuse the file, or skip them",
        default="refuse",
    )

    def reader(self) -> Reader:
        """Return what reads vector files as the options say."""
        return Reader(self.frequencies, self.bad_words)


class Reader:
    """Reads vector files; the frequencies are read once.

    Args:
        frequencies: File of words and their counts, or None.
        bad_words: What is done about words that cannot be used: refuse or skip.
    """

    def __init__(self, frequencies: str | None = None, bad_words: BadWords = "refuse") -> None:
        from debiaslab.vectors import read_frequencies

        self._how: dict[str, Any] = {
            "bad_words": bad_words,
            "frequencies": None if frequencies is None else read_frequencies(frequencies),
        }

    def read(self, file: str, words: str | None = None) -> Embeddings:
        """Return the vectors of a file; ``words`` is for a bare array."""
        from debiaslab.vectors.embeddings import Embeddings

        return Embeddings.load(file, words, **self._how)

    def in_order(self, file: str) -> Embeddings:
        """Return the vectors of a file, with a warning when they do not stand by frequency."""
        embeddings = self.read(file)
        if (problem := embeddings.order_warning()) is not None:
            warnings.warn(f"{file}: {problem}", stacklevel=2)
        return embeddings


def pair_of(what: str) -> Callable[[str], tuple[str, str]]:
    """Return what reads ``a=b``, which the user calls ``what``, such as NAME=VALUE."""

    def read(text: str) -> tuple[str, str]:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
        return name, value

    return read


def _knob(text: str) -> tuple[str, str]:
    name, value = pair_of("NAME=VALUE")(text)
    if name == "weight":
        raise argparse.ArgumentTypeError("λ is not a knob: train takes --weight, sweep searches it")
    return name, value


def knobs(group: str) -> Any:
    """Return the field of a strategy's settings besides λ."""
    return option(
        "a setting of the strategy besides λ, such as direction=mean for projection",
        default=(),
        metavar="NAME=VALUE",
        group=group,
        parse=_knob,
        again=True,
    )


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


def next_command(*words: str, store: str | None = None) -> str:
    """Return a command of ours as a user can paste it.

    Args:
        words: What follows the program's name, not quoted.
        store: Folder of the store, which is named unless it is the default; None: never.
    """
    where = [] if store in (None, STORE) else ["--store", str(store)]
    return f"python -m debiaslab {shlex.join([*words, *where])}"


def check_store(root: str, *, make: bool = True) -> None:
    """Make sure, before long work, that runs can be logged.

    Args:
        root: Folder of the store.
        make: Whether the store is made when it is new; else only that it could be.
    """
    from debiaslab.system.files import check_output_folder
    from debiaslab.tracking import Store

    _refuse_file(root)
    check_output_folder(root)
    if make:
        Store.open(root)


def open_store(root: str, *, write: bool = False) -> Store:
    """Open the store that is there; unless it is to be written, nothing in it is changed."""
    from debiaslab.tracking import Store

    _refuse_file(root)
    return Store.open(root, create=False) if write else Store.read(root)


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
            f"{run.run_id} is the study {name!r}, which has no vectors of its own", next_step=step
        )
    if VECTORS not in store.artifacts(run.run_id):
        raise UserError(
            f"run {run.run_id} ({run.name}, {run.status}) has no vectors",
            allowed="a run that has finished and whose files are in the store",
            next_step="python -m debiaslab ui",
        )
    return Embeddings.load(store.artifact(run.run_id, VECTORS))


def best_run(store: Store, run: str | None, study: str | None) -> RunInfo:
    """Return the run that ``--run`` names, or the best one of ``--study``."""
    return store.run_named(run) if run is not None else store.best(str(study))


def one_of(**named: str | None) -> None:
    """Raise a `UserError` unless exactly one of the named options was given."""
    given = [f"--{name}" for name, value in named.items() if value is not None]
    if len(given) != 1:
        raise UserError(
            f"{' and '.join(given)} were given together" if given else "no vectors were named",
            allowed=f"exactly one of {', '.join(f'--{name}' for name in named)}",
            next_step="python -m debiaslab studies",
        )
