"""Debias finished vectors of any format with a post-processing strategy, and save the result.

Penalties and changes of the text need a training: those are for the command train.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from debiaslab.commands.arguments import (
    LARGEST_SEED,
    Reader,
    add_knobs,
    add_reading,
    next_command,
    real,
    whole,
)
from debiaslab.commands.files import VectorsInput, VectorsOutput
from debiaslab.errors import UserError

if TYPE_CHECKING:
    from debiaslab.regularizers import Coverage, PostProcess
    from debiaslab.vectors.embeddings import Embeddings

EXAMPLES = """examples:
  python -m debiaslab debias --strategy hard vectors.kv
  python -m debiaslab debias --strategy inlp --knob steps=10 vectors.bin --out debiased.bin
  python -m debiaslab debias --strategy multiclass-hard --knob attribute=religion v.kv --out o.kv"""

_SHOWN = 4  # pairs that are named


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        "vectors", type=VectorsInput, metavar="VECTORS", help="vectors of any format"
    )
    parser.add_argument(
        "--out",
        type=VectorsOutput,
        metavar="FILE",
        default="debiased.kv",
        help="where to save the result",
    )
    add_reading(parser)
    group = parser.add_argument_group("strategy")
    group.add_argument(
        "--strategy",
        metavar="NAME",
        required=True,
        help="a post-processing strategy; see: python -m debiaslab strategies",
    )
    group.add_argument("--weight", type=real, help="λ of a strategy that has one; none: its own")
    add_knobs(group)
    group.add_argument(
        "--cover", default="all", help="non-gender words it acts on: tune, vocabulary or all"
    )
    group.add_argument(
        "--seed", type=whole(0, LARGEST_SEED), default=1, help="seed of every random draw"
    )


def run(args: argparse.Namespace) -> Iterator[str]:
    """Debias, save, and say what was covered and how to measure the result."""
    from debiaslab.regularizers import debias_words
    from debiaslab.regularizers.words import check_cover

    # What can fail at once comes before what takes long.
    strategy = _strategy(args)
    check_cover(args.cover)
    before = Reader(args).in_order(args.vectors)
    words = debias_words(before.words, args.cover, strategy.pairs)
    after = strategy.fit(before, words, args.seed)(before)
    after.save(args.out)
    yield _covered(strategy, before, after, words.coverage(before.words, args.cover))
    then = next_command("evaluate", str(args.out), "--baseline", str(args.vectors))
    yield f"saved {args.out}\nnext: {then}"


def _strategy(args: argparse.Namespace) -> PostProcess:
    """Return the strategy, once it is sure that it works on finished vectors."""
    from debiaslab import regularizers

    classes = [regularizers.get(name.strip()) for name in args.strategy.split("+")]
    untrained = [each.name for each in classes if not issubclass(each, regularizers.PostProcess)]
    if untrained:
        known = [
            name
            for name in regularizers.strategy_names()
            if issubclass(regularizers.get(name), regularizers.PostProcess)
        ]
        what = " and ".join(map(repr, untrained))
        raise UserError(
            f"--strategy was {args.strategy!r}, and {what} cannot act on finished vectors",
            allowed=", ".join(known),
            next_step=f"python -m debiaslab train --strategy {args.strategy}",
        )
    knobs = dict(args.knob)
    if args.weight is not None:
        if not regularizers.search_space(args.strategy):
            raise UserError(
                f"--weight was given, and {args.strategy!r} has no λ", next_step="leave it out"
            )
        knobs["weight"] = args.weight
    strategy = regularizers.create(args.strategy, **knobs)
    assert isinstance(strategy, regularizers.PostProcess)  # of two, the composition is refused
    return strategy


def _covered(
    strategy: PostProcess, before: Embeddings, after: Embeddings, coverage: Coverage
) -> str:
    """Return what was covered and changed, in a few lines."""
    moved = int((before.vectors != after.vectors).any(axis=1).sum())
    report = "report words among them" if coverage.report_words_covered else "no report word"
    knobs = ", ".join(f"{name} {value}" for name, value in strategy.knobs().items() if value != "")
    lines = [
        f"{strategy.name}{f' ({knobs})' if knobs else ''} changed {moved:,} of {len(before):,} "
        "words",
        f"  cover {coverage.cover}: {coverage.neutral:,} non-gender words, {report}",
        f"  gender pairs in the vectors: {_named(coverage.pairs)}",
    ]
    if coverage.pairs_missing:
        lines.append(f"  gender pairs not in the vectors: {_named(coverage.pairs_missing)}")
    return "\n".join(lines)


def _named(pairs: tuple[str, ...]) -> str:
    """Return how many pairs there are, and the first of them."""
    more = ", …" if len(pairs) > _SHOWN else ""
    return f"{len(pairs)} ({', '.join(pairs[:_SHOWN])}{more})"
