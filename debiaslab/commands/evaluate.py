"""Measure vector files: WEAT (s, d and p), direct bias, word similarity and collapse checks."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator

from debiaslab.commands.arguments import LARGEST_SEED, whole

EXAMPLES = """examples:
  python -m debiaslab evaluate vectors.kv
  python -m debiaslab evaluate debiased.kv --baseline vectors.kv --json scorecard.json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("vectors", nargs="+", metavar="FILE", help=".kv, .txt, .bin or .npz")
    parser.add_argument("--baseline", metavar="FILE", help="vectors to show beside, measured alike")
    parser.add_argument("--json", metavar="OUT", help="also write the scorecards to this file")
    parser.add_argument(
        "--seed", type=whole(0, LARGEST_SEED), default=0, help="seed of permutations and bootstrap"
    )


def run(args: argparse.Namespace) -> Iterator[str]:
    """Measure each file and print its table."""
    from debiaslab.atomic import replacing
    from debiaslab.embeddings import Embeddings
    from debiaslab.metrics import evaluate
    from debiaslab.outputs import check_output

    if args.json is not None:
        check_output(args.json)
    files = [*args.vectors] if args.baseline is None else [args.baseline, *args.vectors]
    loaded = [(file, Embeddings.load(file)) for file in files]
    scorecards = []
    for file, embeddings in loaded:
        scorecard = evaluate(embeddings, name=str(file), seed=args.seed)
        scorecards.append(scorecard)
        yield scorecard.table()
    if args.json is not None:
        whole = [scorecard.to_dict() for scorecard in scorecards]
        text = json.dumps(whole[0] if len(whole) == 1 else whole, indent=1, allow_nan=False)
        with replacing(args.json) as path:
            path.write_text(text + "\n", encoding="utf-8")
        yield f"wrote {args.json}"
