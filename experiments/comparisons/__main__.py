"""Print which aims of the project each strategy of a comparison reaches, as Markdown.

python -m experiments.comparisons mlruns STUDY --similarity WordSim-353 SimLex-999 men3000.csv
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence

from debiaslab.metrics import load_similarity
from debiaslab.results.runs import read_sides
from debiaslab.tracking import Store
from experiments.comparisons.bar import Seeds, Standing, met, standings

FLOOR = "gender-blind"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the numbers, then the aims."""
    args = _parser().parse_args(argv)
    store = Store.open(args.store, create=False)
    sides = read_sides(store, store.study_named(args.study).run_id)
    sets = [load_similarity(each) for each in args.similarity]
    found = standings(store, sides, sets)
    print("\n".join(table(found, [each.name for each in sets])))
    return 0


def table(found: Sequence[Standing], sets: Sequence[str]) -> list[str]:
    """Return a row for each strategy: its numbers, then which lines it misses."""
    floor = next((each for each in found if each.label == FLOOR), None)
    head = [
        "strategy",
        "% of the baseline's s: 6b, 7, 8",
        "direct bias",
        "k-means, SVM, neighbours",
    ]
    head += ["r with women", ", ".join(sets), "overlap", "misses"]
    rows = [
        [
            each.label,
            _list(each.s, 100, 0),
            _list([each.direct_bias], 1, 3),
            _list(each.lipstick, 1, 3),
            _spread(each.women),
            _list(each.kept, 1, 2),
            _list([each.overlap], 1, 3),
            _missed(met(each, found[0], floor)),
        ]
        for each in found
    ]
    cells = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(each.replace("|", r"\|") for each in row) + " |" for row in cells]


def _missed(lines: Mapping[str, bool | None]) -> str:
    """Return the lines that are not met, in brackets those that were not measured."""
    written = [line if held is False else f"({line})" for line, held in lines.items() if not held]
    return ", ".join(written) or "none"


def _list(numbers: Sequence[Seeds], scale: float, digits: int) -> str:
    means = [each.mean for each in numbers]
    return ", ".join("–" if each is None else f"{scale * each:.{digits}f}" for each in means)


def _spread(seeds: Seeds) -> str:
    if seeds.mean is None or seeds.interval is None:
        return "–"
    return f"{seeds.mean:+.2f} ±{seeds.interval[1] - seeds.mean:.2f}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m experiments.comparisons", description=__doc__)
    parser.add_argument("store", help="folder of the store, such as mlruns")
    parser.add_argument("study", help="name of the comparison")
    parser.add_argument(
        "--similarity",
        nargs="+",
        default=["WordSim-353", "SimLex-999"],
        metavar="SET",
        help="names, or CSV files word1,word2,score",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
