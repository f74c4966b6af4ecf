"""Train strategies side by side on one corpus: the same seeds, the same scorecard, one table.

λ is tuned for each strategy that has one (on seeds that are not reported), unless it is given as
NAME@λ; the parts of several may have their own, NAME@λ+NAME@λ. Controls are trained besides. The
headline is the hypervolume of the front of penalties over that of post-processing. The same command
again continues the comparison.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from statistics import mean
from typing import TYPE_CHECKING

from debiaslab.commands.arguments import (
    add_corpus,
    add_objective,
    add_store,
    add_training,
    check_store,
    check_store_place,
    corpus_settings,
    next_command,
    settings_from,
    whole,
)
from debiaslab.commands.files import folder_of, save_in
from debiaslab.commands.plan import plan_study
from debiaslab.commands.study_arguments import (
    add_executor,
    add_plan,
    check_executor,
    conduct_of,
    corpus_of,
    named_sources,
    with_where,
)
from debiaslab.errors import UserError
from debiaslab.tables import Table

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.report import StrategyResult
    from debiaslab.study.comparing import Comparison
    from debiaslab.study.spec import StudyFile

INTERRUPTED = (
    "interrupted; what was recorded is kept; try: the same command again, which goes on from there"
)
EXAMPLES = """examples:
  python -m debiaslab compare --strategies projection,pairwise,tying --trials 6
  python -m debiaslab compare bios.txt.gz --strategies projection@10,pairwise@1 --epochs 3
  python -m debiaslab compare --strategies projection,hard --select bias@0.98 --out results
  python -m debiaslab compare --strategies projection@0.5+pairwise@10,cds+hard,leace"""
_FIRST_TUNING_SEED = 101
_FIGURES = ("front", "heat_map", "gap")
_FILES = (
    *(f"comparison.{ending}" for ending in ("txt", "csv", "md", "tex")),
    *(f"{name}.png" for name in _FIGURES),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_corpus(parser)
    group = parser.add_argument_group("comparison")
    group.add_argument(
        "--strategies",
        default="projection,pairwise,tying",
        metavar="A,B@λ,C+D",
        help="strategies, each with or without its λ; with knobs: NAME[knob=value;…]@λ",
    )
    group.add_argument(
        "--seeds", type=whole(1, 100), default=3, help="trainings of each, with seeds 1, 2, …"
    )
    group.add_argument("--trials", type=whole(1, 100_000), default=8, help="λs to try for each")
    group.add_argument(
        "--tuning-seeds", type=whole(1, 100), default=2, help="trainings per λ that is tried"
    )
    group.add_argument(
        "--select",
        default="composite",
        metavar="RULE",
        help="how λ is chosen: composite, knee or bias@RETENTION",
    )
    group.add_argument(
        "--cover", default="all", help="non-gender words to act on: tune, vocabulary or all"
    )
    group.add_argument(
        "--no-controls",
        action="store_true",
        help="train no controls besides those named: a random direction of the same strength, a "
        "penalty at λ → ∞, swaps within a gender, the text without gender",
    )
    group.add_argument("--study", metavar="NAME", help="name; none: made from the settings")
    add_objective(group)
    group.add_argument(
        "--out",
        type=folder_of(*_FILES),
        metavar="FOLDER",
        help="also write table (CSV, Markdown, LaTeX) and figures here",
    )
    add_executor(group)
    add_plan(group)
    add_training(parser, seed=False)
    add_store(parser, written=True)


def run(args: argparse.Namespace) -> Iterator[str | Table]:
    """Run or continue the comparison, then print its table and where things are."""
    from debiaslab.study.objective import Objective, SelectionRule
    from debiaslab.study.plan import ComparisonPlan, Entry
    from debiaslab.study.spec import study_of_comparison

    plan = ComparisonPlan(
        entries=tuple(map(Entry.parse, args.strategies.split(","))),
        seeds=tuple(range(1, args.seeds + 1)),
        cover=args.cover,
        settings=settings_from(args),
        trials=args.trials,
        tuning_seeds=tuple(range(_FIRST_TUNING_SEED, _FIRST_TUNING_SEED + args.tuning_seeds)),
        rule=SelectionRule(args.select),
        objective=Objective(args.bias_weight, args.retention_weight),
        name=args.study,
        controls=not args.no_controls,
    )
    settings = corpus_settings(args)
    study = with_where(study_of_comparison(plan, named_sources(args), settings), args)
    check_executor(study)
    if args.plan:
        check_store_place(args)
        yield from plan_study(study, args.store)
        return
    check_store(args)
    yield from run_study(study, args.store, out=args.out)


def run_study(
    study: StudyFile, root: str, corpus: Corpus | None = None, out: str | None = None
) -> Iterator[str | Table]:
    """Run or continue a comparison, and say what it found.

    Args:
        study: The study.
        root: Folder of the store.
        corpus: Its corpus; None: its files are read.
        out: Folder for the table and the figures; None: they are kept with the study only.
    """
    from debiaslab.report import comparison_blocks
    from debiaslab.study.comparing import conduct_comparison

    conduct = conduct_of(study, root)
    corpus = corpus_of(study) if corpus is None else corpus
    found = conduct_comparison(corpus, study.comparison_plan(), conduct)
    written = list(_written(found, root, out))
    for block in comparison_blocks(found.sides):
        yield block
        yield ""
    yield _controls(found)
    for failure in found.failures:
        yield f"empty: {failure}"
    yield from written
    yield f"next: {next_command('ui', '--study', found.name, store=root)}"


def _controls(found: Comparison) -> str:
    return "\n".join(["Controls", *(f"  {each}" for each in found.controls)])


def _written(found: Comparison, root: str, out: str | None) -> Iterator[str]:
    """Log table and figures to the comparison's run, and write them to the folder asked for."""
    from debiaslab.report import (
        comparison_csv,
        comparison_latex,
        comparison_markdown,
        comparison_text,
        front_figure,
        gap_figure,
        heat_map_figure,
    )
    from debiaslab.report.style import png
    from debiaslab.study.kept import comparison_note
    from debiaslab.tracking import Store

    files: dict[str, str | bytes] = {
        "comparison.txt": f"{comparison_text(found.sides)}\n{_controls(found)}\n",
        "comparison.csv": comparison_csv(found.sides),
        "comparison.md": f"{comparison_markdown(found.sides)}\n```\n{_controls(found)}\n```\n",
        "comparison.tex": comparison_latex(found.sides),
    }
    store = Store.open(root)
    store.save_view(found.name, found.parent)
    store.describe(
        found.parent,
        comparison_note(str(files["comparison.md"]), store.experiment_id, found.parent),
    )
    writer = store.writer(found.parent)
    writer.metrics(_means(found.sides))
    for name, text in files.items():
        writer.text(str(text), name)
    for name, draw in zip(_FIGURES, (front_figure, heat_map_figure, gap_figure), strict=True):
        try:
            files[f"{name}.png"] = drawn = png(draw(found.sides))
        except UserError as error:  # it needs numbers that this text does not give
            yield f"no figure {name}: {error}"
            continue
        writer.binary(drawn, f"figures/{name}.png")
    writer.flush()
    if out is not None:
        yield save_in(out, files)


def _means(sides: Sequence[StrategyResult]) -> dict[str, float]:
    """Return the means over seeds under MLflow metric names, a group of the UI for each number."""
    found: dict[str, float] = {}
    for number in ("bias_report", "retention_report", "bias_tune", "retention_tune", "score"):
        for side in sides:
            measured = [each.get(number) for each in side.outcomes if each is not None]
            values = [value for value in measured if value is not None]
            if values:
                name = re.sub(r"[^\w\-. ]", "_", side.label.replace("λ=", ""))
                found[f"{number}/{name}"] = mean(values)
    return found
