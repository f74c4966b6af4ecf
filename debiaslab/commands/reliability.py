"""How far bias scores can be trusted: over pairs, words, scoring rules, and training seeds."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import chain
from typing import TYPE_CHECKING, Any

from debiaslab.commands.arguments import LARGEST_SEED, Reader, add_reading, whole
from debiaslab.commands.files import Input, Output, VectorsInput
from debiaslab.errors import UserError, nearest

if TYPE_CHECKING:
    from debiaslab.lexicons import AssociationTest, Attribute, Half
    from debiaslab.metrics.reliability import PairSensitivity
    from debiaslab.tables import Table
    from debiaslab.vectors.embeddings import Embeddings

    _Sensitivity = list[tuple[PairSensitivity, ...]]  # of each file

EXAMPLES = """examples:
  python -m debiaslab reliability vectors.kv
  python -m debiaslab reliability seed1.kv seed2.kv seed3.kv
  python -m debiaslab reliability vectors.kv --lexicon race --lexicon my_lists.yaml
  python -m debiaslab reliability debiased1.kv debiased2.kv --baseline plain1.kv plain2.kv"""

HALVES = ("all", "tune", "report")
OCCUPATIONS, PAIRS = "occupations", "definitional_pairs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        "vectors",
        nargs="+",
        type=VectorsInput,
        metavar="FILE",
        help="vectors; several: one a training seed, of the same text and settings",
    )
    parser.add_argument(
        "--baseline",
        nargs="+",
        default=[],
        type=VectorsInput,
        metavar="FILE",
        help="as many vectors of another kind, the same seeds in the same order: compared in pairs",
    )
    parser.add_argument("--words", default="report", help="words and pairs: all, tune or report")
    parser.add_argument(
        "--lexicon",
        type=Input,
        metavar="FILE|NAME",
        action="append",
        default=[],
        help="also the sensitivity of the attributes and tests of this file, or of an attribute "
        "that ships: race, religion, ethnicity",
    )
    add_reading(parser)
    parser.add_argument(
        "--json", type=Output, metavar="OUT", help="also write every number to this file"
    )
    parser.add_argument(
        "--seed", type=whole(0, LARGEST_SEED), default=0, help="seed of the resamples"
    )


def run(args: argparse.Namespace) -> Iterator[str | Table]:
    """Show sensitivity, consistency and agreement of each file, then over the files."""
    from debiaslab.commands.evaluate_inputs import load_lexicons
    from debiaslab.commands.reliability_tables import (
        attribute_view,
        consistency_view,
        paired_view,
        retest_view,
        rules_view,
        sensitivity_view,
    )
    from debiaslab.lexicons import load, load_pairs
    from debiaslab.metrics.reliability import inter_rule, list_consistency, retest_reliability

    _check(args)
    half: Half = args.words
    words, pairs = load(OCCUPATIONS).half(half), load_pairs(PAIRS).half(half)
    attributes, tests = load_lexicons(args.lexicon)
    reader = Reader(args)
    vectors, before = (list(map(reader.in_order, files)) for files in (args.vectors, args.baseline))
    sensitivity, of_lexicons = _sensitivity(vectors, before, half, attributes, tests)
    consistency = [list_consistency(each, half, attributes) for each in vectors]
    rules = [inter_rule(each, words, pairs, seed=args.seed) for each in vectors]
    said = [
        f"{len(words)} occupations and {len(pairs)} definitional pairs ({half} words)",
        *sensitivity_view(args.vectors, sensitivity),
        *(attribute_view(args.vectors, of_lexicons) if args.lexicon else ()),
        *consistency_view(args.vectors, consistency),
        *rules_view(args.vectors, rules),
    ]
    document: dict[str, Any] = {
        "words": half,
        "vectors": args.vectors,
        "leave_one_pair_out": [[asdict(each) for each in found] for found in sensitivity],
        "leave_one_out_of_lexicons": [[asdict(each) for each in found] for found in of_lexicons],
        "internal_consistency": [asdict(each[OCCUPATIONS]) for each in consistency],
        "internal_consistency_of_lists": [
            {name: asdict(each) for name, each in found.items()} for found in consistency
        ],
        "inter_rule": [asdict(each) for each in rules],
    }
    if len(vectors) > 1:
        retest = {
            rule: retest_reliability(vectors, words, pairs, rule, seed=args.seed)
            for rule in ("projection", "association", "ripa")
        }
        said += retest_view(retest)
        document["test_retest"] = {rule: asdict(each) for rule, each in retest.items()}
    if args.baseline:
        records = _paired(before, vectors, args.seed)
        shown = [record for record in records if record.words in (half, "all")]
        said += paired_view(shown, half)
        document["baseline"] = args.baseline
        document["paired"] = [asdict(each) for each in records]
    if args.json is not None:
        said.append(_write(args.json, document))
    yield from said


def _check(args: argparse.Namespace) -> None:
    """Refuse what can be known to be wrong before anything is read."""

    if args.words not in HALVES:
        raise UserError(
            f"there is no half {args.words!r} of the words",
            allowed=", ".join(HALVES),
            nearest=nearest(args.words, HALVES),
        )
    if args.baseline and len(args.baseline) != len(args.vectors):
        raise UserError(
            f"{len(args.vectors)} files were to be paired with {len(args.baseline)} of --baseline",
            allowed="as many, the same seeds in the same order",
        )


def _sensitivity(
    vectors: Sequence[Embeddings],
    before: Sequence[Embeddings],
    half: Half,
    attributes: Sequence[Attribute],
    tests: Sequence[AssociationTest],
) -> tuple[_Sensitivity, _Sensitivity]:
    """Return, for each file, what changes with a gender pair, and with a word of the lexicons."""
    from tqdm import tqdm

    from debiaslab.metrics.reliability import (
        attribute_sensitivity,
        pair_sensitivity,
        weat_sensitivity,
    )

    of_pairs: _Sensitivity = []
    of_lexicons: _Sensitivity = []
    files = zip(vectors, before or vectors, strict=True)
    for each, baseline in tqdm(files, "sensitivity", len(vectors), unit="file", delay=2):
        of_pairs.append(pair_sensitivity(each, half, baseline))
        found = [attribute_sensitivity(each, attribute, half) for attribute in attributes]
        own = (weat_sensitivity(each, test, half) for test in tests)
        of_lexicons.append((*own, *chain.from_iterable(found)))
    return of_pairs, of_lexicons


def _paired(first: Sequence[Embeddings], second: Sequence[Embeddings], seed: int) -> Any:
    """Compare the scorecards, with nulls, which MAC is held against, but no other intervals."""
    from tqdm import tqdm

    from debiaslab.metrics import evaluate
    from debiaslab.metrics.comparison import paired_scorecards

    groups = ["weat", "association", "geometry", "similarity", "collapse"]
    with tqdm(total=len(first) + len(second), desc="scorecards", unit="file", delay=2) as bar:
        cards: list[Any] = []
        for each in (*first, *second):
            cards.append(evaluate(each, groups=groups, bootstrap=0, seed=seed))
            bar.update()
    return paired_scorecards(cards[: len(first)], cards[len(first) :], seed=seed)


def _write(path: str, document: dict[str, Any]) -> str:
    from debiaslab.system.atomic import write_file

    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    write_file(path, text + "\n")
    return f"wrote {path}"
