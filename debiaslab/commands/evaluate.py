"""Measure the bias and utility of vector files and runs, and compare several of them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from debiaslab.commands.arguments import LARGEST_SEED, add_reading, add_store, whole
from debiaslab.commands.files import Input, Output, VectorsInput
from debiaslab.errors import UserError

if TYPE_CHECKING:
    from debiaslab.commands.evaluate_inputs import Inputs, Subject
    from debiaslab.metrics import Scorecard
    from debiaslab.metrics.comparison import ScorecardComparison

EXAMPLES = """examples:
  python -m debiaslab evaluate vectors.kv
  python -m debiaslab evaluate debiased.kv --baseline vectors.kv --json scorecard.json
  python -m debiaslab evaluate a.kv b.txt c.bin --compare-csv comparison.csv
  python -m debiaslab evaluate vectors.kv --lexicon race --lexicon religion
  python -m debiaslab evaluate --run RUN_ID --log"""

_CORRELATIONS = ".correlations.csv"


class _ComparisonOutput(Output):
    def files(self) -> Iterator[Path]:
        """Yield the table and the file of rank correlations beside it."""
        yield from (Path(self), Path(self).with_suffix(_CORRELATIONS))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        "vectors",
        nargs="*",
        default=[],
        type=VectorsInput,
        metavar="FILE",
        help=".kv, .txt (word2vec or GloVe), .bin, .npz, or .npy with its words",
    )
    parser.add_argument(
        "--run",
        metavar="ID",
        action="append",
        default=[],
        help="also the vectors of this run: its id, or its first letters",
    )
    parser.add_argument(
        "--words",
        type=Input,
        metavar="FILE",
        help="words of a .npy file, one a line; none: NAME.words.txt",
    )
    parser.add_argument(
        "--baseline",
        type=VectorsInput,
        metavar="FILE",
        help="vectors before debiasing: measured too, and adds retention, overlap, lipstick tests",
    )
    add_reading(parser)
    _add_what(parser)
    _add_outputs(parser)


def _add_what(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is measured")
    group.add_argument(
        "--groups",
        metavar="A,B",
        type=lambda text: [name.strip() for name in text.split(",") if name.strip()],
        help="only these groups of metrics, such as weat,similarity; collapse checks come along",
    )
    group.add_argument(
        "--quick",
        action="store_true",
        help="values only, of fewer metrics: no intervals, tests, nulls, no Google analogies",
    )
    group.add_argument(
        "--similarity",
        type=Input,
        metavar="CSV",
        action="append",
        default=[],
        help="similarity set word1,word2,score, or a folder of them, besides the two built in",
    )
    group.add_argument(
        "--analogies",
        type=Input,
        metavar="FILE",
        action="append",
        default=[],
        help="analogy questions, or a folder of them, besides Google's, which gensim carries",
    )
    group.add_argument(
        "--lexicon",
        type=Input,
        metavar="FILE|NAME",
        action="append",
        default=[],
        help="JSON or YAML that defines attributes besides gender, or tests; or the name of an "
        "attribute that ships: race, religion, ethnicity",
    )
    group.add_argument(
        "--seed", type=whole(0, LARGEST_SEED), default=0, help="seed of permutations and bootstrap"
    )


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("where it goes")
    group.add_argument(
        "--json", type=Output, metavar="OUT", help="also write the scorecards to this file"
    )
    group.add_argument("--csv", type=Output, metavar="OUT", help="also write one row a record")
    group.add_argument(
        "--compare-csv",
        type=_ComparisonOutput,
        metavar="OUT",
        help="write values and ranks by file, and OUT's name with .correlations.csv",
    )
    group.add_argument("--log", action="store_true", help="log each scorecard as a run in MLflow")
    group.add_argument("--study", metavar="NAME", help="with --log: the study the runs belong to")
    add_store(parser, written=True)


def run(args: argparse.Namespace) -> Iterator[str]:
    """Measure each set of vectors, print its table, then the comparison when there are several."""
    from debiaslab.commands.evaluate_inputs import load_all
    from debiaslab.commands.evaluate_log import Evaluations
    from debiaslab.metrics import compare, warnings_of
    from debiaslab.metrics.tables import comparison_blocks, printed, scorecard_blocks

    _check(args)
    inputs = load_all(args)
    if args.compare_csv is not None and len(inputs.subjects) < 2:
        raise UserError(
            "--compare-csv was given with one set of vectors",
            allowed="two or more, such as --baseline FILE",
        )
    log = Evaluations.open(args) if args.log else None
    cards: list[Scorecard] = []
    before: Scorecard | None = None  # the baseline's, which is the first
    said: list[str] = []
    for subject, measured in _measured(args, inputs):
        card = _with_corrections(measured)
        cards.append(card)
        said = [printed(scorecard_blocks(card, warnings_of(card, before)))]
        before = card if subject.is_baseline else before
        if log is not None:
            said.append(f"logged run {log.add(subject, card)}")
        subject.let_go()
        if inputs.subjects:
            yield from said  # others take a while yet
            said = []
    comparison = compare(cards) if len(cards) > 1 else None
    written = list(_written(args, cards, comparison))
    yield from said
    if comparison is not None:
        yield printed(comparison_blocks(comparison))
    yield from written


def _check(args: argparse.Namespace) -> None:
    """Refuse what can be known to be wrong before anything is read."""
    from debiaslab.metrics.evaluation import measured_groups

    measured_groups(args.groups)
    if args.study is not None and not args.log:
        raise UserError(
            "--study names where the runs are logged, and nothing is logged",
            next_step=f"--log --study {args.study}, or --run ID to measure a run",
        )


def _measured(args: argparse.Namespace, inputs: Inputs) -> Iterator[tuple[Subject, Scorecard]]:
    """Yield the scorecard of each set of vectors, which is then let go."""
    from debiaslab.metrics import evaluate

    while inputs.subjects:
        subject = inputs.subjects.pop(0)
        groups = subject.groups(_asked(args, inputs))
        if groups == []:
            continue
        yield (
            subject,
            evaluate(
                subject.embeddings,
                name=subject.label,
                seed=args.seed,
                quick=args.quick,
                similarity=inputs.similarity,
                baseline=inputs.baseline,
                groups=groups,
                analogies=inputs.analogies,
                attributes=inputs.attributes,
                tests=inputs.tests,
                progress=True,
            ),
        )


def _asked(args: argparse.Namespace, inputs: Inputs) -> list[str] | None:
    """Return the groups asked for: with a baseline all it adds, for the baseline itself as well.

    What a user hands in is measured with ``--quick`` as well.
    """
    from debiaslab.metrics.evaluation import ADDED, QUICK, measured_groups

    handed_in = {
        "baseline": inputs.baseline is not None,
        "analogies": inputs.analogies is not None,
        "attributes": bool(inputs.attributes),
    }
    given = [what for what, there in handed_in.items() if there]
    if args.groups is not None:
        return list(args.groups)
    if args.quick:
        return measured_groups([*QUICK, *(name for what in given for name in ADDED[what])])
    return measured_groups(None, given=given) if inputs.baseline is not None else None


def _with_corrections(card: Scorecard) -> Scorecard:
    """Return the scorecard with corrected p-values in ``extra`` of the records that have a p."""
    from debiaslab.metrics import corrected
    from debiaslab.metrics.tables import BH, HOLM

    found = {
        (each.metric, each.name, each.words): {HOLM: each.holm, BH: each.benjamini_hochberg}
        for each in corrected(card)
    }
    records = (
        replace(record, extra={**record.extra, **found[key]}) if key in found else record
        for record in card.records
        for key in [(record.metric, record.name, record.words)]
    )
    return replace(card, records=tuple(records))


def _written(
    args: argparse.Namespace, cards: Sequence[Scorecard], comparison: ScorecardComparison | None
) -> Iterator[str]:
    from debiaslab.metrics import (
        comparison_csv,
        correlations_csv,
        rank_correlations,
        scorecards_csv,
    )

    if args.json is not None:
        documents = [card.to_dict() for card in cards]
        whole = documents[0] if len(documents) == 1 else documents
        text = json.dumps(whole, ensure_ascii=False, indent=1, allow_nan=False)
        yield _write(args.json, text + "\n")
    if args.csv is not None:
        yield _write(args.csv, scorecards_csv(cards))
    if args.compare_csv is not None and comparison is not None:
        yield _write(args.compare_csv, comparison_csv(comparison))
        correlations = rank_correlations(comparison)
        if correlations.reason is None:
            beside = Path(args.compare_csv).with_suffix(_CORRELATIONS)
            yield _write(beside, correlations_csv(correlations))


def _write(path: str | Path, text: str) -> str:
    from debiaslab.system.atomic import write_file

    return f"wrote {write_file(path, text)}"
