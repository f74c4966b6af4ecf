"""Train one set of vectors, with or without a debiasing strategy, and save it.

The file's ending chooses its format: .kv (gensim), .txt or .bin (word2vec), .npz (numpy).
The run is logged to MLflow as well.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from debiaslab.commands.arguments import (
    Reader,
    add_corpus,
    add_knobs,
    add_reading,
    add_store,
    add_training,
    check_store,
    corpus_from,
    corpus_settings,
    next_command,
    real,
    settings_from,
)
from debiaslab.commands.files import OutputFolder, VectorsInput, VectorsOutput
from debiaslab.errors import UserError
from debiaslab.system.redact import utf8

if TYPE_CHECKING:
    from debiaslab.sgns import Checkpoints, Start

EXAMPLES = """examples:
  python -m debiaslab train --out vectors.kv
  python -m debiaslab train biographies.txt.gz --strategy projection --weight 0.1 --out debiased.kv
  python -m debiaslab train biographies.txt.gz --init vectors.kv --epochs 2 --out longer.kv
  python -m debiaslab train biographies.txt.gz --checkpoint saved --out vectors.kv"""


class _EventsFolder(OutputFolder):
    def check(self) -> None:
        """Refuse a folder that cannot be written, or whose name TensorBoard does not take."""
        super().check()
        if utf8(self) != self:
            raise UserError(
                f"the folder {self} has a byte in its name that is not UTF-8",
                allowed="a name in UTF-8: TensorBoard takes no other",
                next_step="--tensorboard events",
            )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_corpus(parser)
    add_training(parser, seed=True)
    group = parser.add_argument_group("strategy")
    group.add_argument("--strategy", default="none", help="see: python -m debiaslab strategies")
    group.add_argument("--weight", type=real, default=1.0, help="λ, the weight of its penalty")
    add_knobs(group)
    group.add_argument(
        "--cover", default="all", help="non-gender words it acts on: tune, vocabulary or all"
    )
    parser.add_argument(
        "--init",
        type=VectorsInput,
        metavar="FILE",
        help="vectors to continue from",
    )
    parser.add_argument(
        "--init-contexts",
        type=VectorsInput,
        metavar="FILE",
        help="with --init: context vectors of the same words, such as gensim's syn1neg saved with "
        "them; none: context embeddings start anew",
    )
    parser.add_argument(
        "--keep-words",
        action="store_true",
        help="with --init: keep its words that the text lacks, as they are",
    )
    add_reading(parser)
    parser.add_argument(
        "--out", type=VectorsOutput, metavar="FILE", default="vectors.kv", help="where to save"
    )
    parser.add_argument(
        "--tensorboard",
        type=_EventsFolder,
        metavar="DIR",
        help="also write the running loss for TensorBoard here",
    )
    group = parser.add_argument_group("checkpoint")
    group.add_argument(
        "--checkpoint",
        type=OutputFolder,
        metavar="DIR",
        help="save the training here from time to time: when it is interrupted, the same command "
        "again goes on from there; removed at the end",
    )
    group.add_argument(
        "--checkpoint-every",
        type=real,
        metavar="SECONDS",
        help="time between checkpoints, at least (60; saving never takes over 2 %% of the time)",
    )
    add_store(parser, written=True)


def run(args: argparse.Namespace) -> Iterator[str]:
    """Train, measure, log and save."""
    from debiaslab.study.single import SingleTraining, train_single

    # What can fail at once comes before what takes long.
    settings = settings_from(args)
    training = SingleTraining(
        settings=settings,
        strategy=args.strategy,
        weight=args.weight,
        cover=args.cover,
        knobs=tuple(args.knob),
        init=_start(args),
        tensorboard=args.tensorboard,
    )
    checkpoint = _checkpoint(args)
    corpus_settings(args)
    check_store(args)
    result = train_single(
        corpus_from(args),
        training,
        out=args.out,
        root=args.store,
        checkpoint=checkpoint,
    )
    yield result.text
    then = next_command("neighbors", "man", "--vectors", str(args.out))
    yield f"saved {args.out}\nnext: {then}"


def _start(args: argparse.Namespace) -> Start | None:
    from debiaslab.sgns import Start

    if args.init is None:
        if args.init_contexts is not None or args.keep_words:
            option = "--keep-words" if args.keep_words else "--init-contexts"
            raise UserError(f"{option} was given without --init", next_step=f"--init FILE {option}")
        return None
    reader = Reader(args)
    contexts = None if args.init_contexts is None else reader.read(args.init_contexts)
    return Start(reader.read(args.init), contexts, keep_words=args.keep_words)


def _checkpoint(args: argparse.Namespace) -> Checkpoints | None:
    from debiaslab.sgns import Checkpoints

    folder, every = args.checkpoint, args.checkpoint_every
    if folder is None:
        if every is not None:
            raise UserError(
                "--checkpoint-every was given without a folder",
                next_step=f"--checkpoint DIR --checkpoint-every {every:g}",
            )
        return None
    return Checkpoints(folder) if every is None else Checkpoints(folder, every)
