"""Studies of every kind: they are checked and run, or it is said what they would train."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from debiaslab.commands.options import CACHE, Said, save_in
from debiaslab.commands.stores import SUBMISSIONS, check_device, next_command
from debiaslab.errors import UserError
from debiaslab.tables import Block

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.report import StrategyResult
    from debiaslab.settings.study import StudyFile
    from debiaslab.study.driver import Conduct
    from debiaslab.study.executors import Executor
    from debiaslab.study.plan import ComparisonPlan, Plan
    from debiaslab.study.planting import PlantingPlan
    from debiaslab.study.status import Estimate
    from debiaslab.tracking import RunInfo


def check(study: StudyFile, *, text: bool = True) -> None:
    """Refuse what can be known to be wrong before anything is read; a cluster is not asked.

    Args:
        text: Whether its text has to be here.

    Raises:
        UserError: The plans make no sense, files are missing or have no place, the device cannot
            be used, or there would be more threads than cores.
    """
    from debiaslab.corpus.reading import sources_of
    from debiaslab.study.cluster import check_address, redacted_address
    from debiaslab.study.executors import Processes
    from debiaslab.study.spec import comparison_of, plans_of, planting_of
    from debiaslab.study.sweeping import check_submission

    if study.kind == "sweep":
        read = [*study.corpus.files, *([study.corpus.mwes] if study.corpus.mwes else [])]
        for plan in plans_of(study):
            check_submission(Path(SUBMISSIONS), plan.name or "name", read)
    elif study.kind == "planted":
        planting_of(study)
    else:
        comparison_of(study)
    if study.executor == "dask":
        check_address(study.scheduler)
    elif study.scheduler is not None:
        raise UserError(
            f"--scheduler was {redacted_address(study.scheduler)!r}, of a Dask cluster",
            next_step="--executor dask",
        )
    elif study.workers > 1:
        Processes(study.workers).check(study.trainer.threads)
    check_device(study.trainer.device)
    if text:
        sources_of(study.corpus.files)


def corpus_of(study: StudyFile) -> Corpus:
    """Encode the corpus of a study, or take it from the cache."""
    from debiaslab.corpus import Corpus

    return Corpus.build(study.corpus.files, study.corpus.settings(), cache=CACHE)


def executor_of(study: StudyFile) -> Executor | None:
    """Return what runs the workers of a study; None: this process alone."""
    from debiaslab.study.cluster import DaskCluster
    from debiaslab.study.executors import Processes

    if study.executor == "dask":
        cluster = DaskCluster(study.scheduler, study.workers if study.workers > 1 else None)
        cluster.check()
        return cluster
    return None if study.workers == 1 else Processes(study.workers)


# Running it ------------------------------------------------------------------------------------


def run_study(
    study: StudyFile,
    root: str,
    corpus: Corpus | None = None,
    out: str | None = None,
    against: str | None = None,
) -> Said:
    """Run or continue a study of any kind, and say what it found.

    Args:
        study: The study, checked.
        root: Folder of the store.
        corpus: Its corpus; None: its files are read.
        out: Where the table is written too; None: it is kept with the study only.
        against: Strategy of a comparison that the others are held against too.
    """
    from debiaslab.study.driver import Conduct
    from debiaslab.system.files import write_file
    from debiaslab.tracking import Store

    conduct = Conduct(Path(root), Path(SUBMISSIONS), executor_of(study), file=study)
    corpus = corpus_of(study) if corpus is None else corpus
    if study.kind == "sweep":
        yield from _sweep(corpus, study, conduct)
        return
    if study.kind == "compare":
        found, blocks, files = _compare(corpus, study, conduct, against)
    else:
        found, blocks, files = (_planted if study.kind == "planted" else _floor)(
            corpus, study, conduct
        )
    writer = Store.open(root).writer(found.parent)
    for name, content in files.items():
        if isinstance(content, bytes):
            writer.binary(content, f"figures/{name}")
        else:
            writer.text(content, name)
    writer.flush()
    for block in blocks:
        yield block
        yield ""
    yield from (f"empty: {failure}" for failure in found.failures)
    if out is not None and study.kind == "floor":
        yield f"wrote {write_file(out, files['floor.md'])}"
    elif out is not None:
        yield save_in(out, files)
    yield _next(found.name, root)


def _sweep(corpus: Corpus, study: StudyFile, conduct: Conduct) -> Said:
    from debiaslab.study.spec import plans_of
    from debiaslab.study.summary import NOTHING_LEFT
    from debiaslab.study.sweeping import check_sweep, conduct_sweep

    plans = plans_of(study)
    for plan in plans:  # what the last of several would be refused for is said before the first
        check_sweep(corpus, plan, root=conduct.root, submissions=conduct.submissions)
    for plan in plans:
        summary = conduct_sweep(corpus, plan, conduct)
        if summary.trained == 0:
            yield NOTHING_LEFT
        yield from summary.blocks
        yield _next(summary.name, str(conduct.root))


def _next(study: str, root: str) -> str:
    return f"next: {next_command('ui', '--study', study, store=root)}"


# What was found, what is said of it, and the files that are kept with it
Shown = tuple[Any, list[Block], dict[str, str | bytes]]


def _compare(
    corpus: Corpus, study: StudyFile, conduct: Conduct, against: str | None = None
) -> Shown:
    from debiaslab import report
    from debiaslab.report.style import png
    from debiaslab.report.verdict import compared_verdict
    from debiaslab.study.comparing import conduct_comparison
    from debiaslab.study.kept import comparison_note
    from debiaslab.study.spec import comparison_of
    from debiaslab.tables import latex_document, markdown_document, plain_document
    from debiaslab.tracking import Store

    found = conduct_comparison(corpus, comparison_of(study), conduct)
    sides = found.sides
    controls = "\n".join(["Controls", *(f"  {each}" for each in found.controls)])
    place = next((i for i, side in enumerate(sides) if side.strategy == against), 0)
    tables = report.comparison_blocks(sides, against=place)
    markdown = f"{markdown_document(tables)}\n```\n{controls}\n```\n"
    files: dict[str, str | bytes] = {
        "comparison.txt": f"{plain_document(tables)}\n{controls}\n",
        "comparison.csv": report.comparison_csv(sides),
        "comparison.md": markdown,
        "comparison.tex": latex_document(report.comparison_blocks(sides, "Strategies", place)),
    }
    blocks = [compared_verdict(sides).sentence, *tables, controls]
    for name in ("front", "heat_map", "gap"):
        try:
            files[f"{name}.png"] = png(getattr(report, f"{name}_figure")(sides))
        except UserError as error:  # it needs numbers that this text does not give
            blocks.append(f"no figure {name}: {error}")
    store = Store.open(conduct.root)
    store.save_view(found.name, found.parent)
    store.describe(found.parent, comparison_note(markdown, store.experiment_id, found.parent))
    store.writer(found.parent).metrics(_means(sides))
    return found, blocks, files


def _planted(corpus: Corpus, study: StudyFile, conduct: Conduct) -> Shown:
    from debiaslab.report import planted as report
    from debiaslab.report.style import png
    from debiaslab.study.planting import conduct_planting
    from debiaslab.study.spec import planting_of
    from debiaslab.tables import markdown_document, plain_document

    found = conduct_planting(corpus, planting_of(study), conduct)
    blocks = report.planted_blocks(found.study)
    files: dict[str, str | bytes] = {
        "planted.txt": plain_document(blocks),
        "planted.md": markdown_document(blocks),
        "planted.csv": report.planted_csv(found.study),
        "planted.png": png(report.planted_figure(found.study)),
    }
    return found, blocks, files


def _floor(corpus: Corpus, study: StudyFile, conduct: Conduct) -> Shown:
    from debiaslab.report.tables import floor_blocks
    from debiaslab.study.comparing import conduct_floor
    from debiaslab.study.spec import comparison_of
    from debiaslab.tables import markdown_document, plain_document

    found = conduct_floor(corpus, comparison_of(study), conduct)
    blocks = floor_blocks(found.sides)
    files: dict[str, str | bytes] = {
        "floor.txt": plain_document(blocks),
        "floor.md": markdown_document(blocks),
    }
    return found, blocks, files


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


# What it would train ---------------------------------------------------------------------------


def plan_study(study: StudyFile, root: str) -> Iterator[str]:
    """Say what a study of any kind would train, and how long that takes; nothing is made.

    Args:
        root: Folder of the store.

    Raises:
        UserError: What the study itself would be refused for.
    """
    from debiaslab.study.spec import comparison_of, plans_of, planting_of
    from debiaslab.study.sweeping import check_sweep

    corpus = corpus_of(study)
    if study.kind == "sweep":
        plans = plans_of(study)
        for plan in plans:
            check_sweep(corpus, plan, root=root, submissions=SUBMISSIONS)
        parts = [_sweep_plan(plan, corpus, root) for plan in plans]
    elif study.kind == "planted":
        parts = [_planted_plan(planting_of(study), corpus, root)]
    else:
        floor = study.kind == "floor"
        parts = _comparison_plan(comparison_of(study), corpus, root, floor=floor)
    yield f"corpus    {corpus!r}"
    total = 0.0
    for text, seconds in parts:
        total += seconds
        yield f"\n{text}\ntime      about {_duration(seconds)}"
    if len(parts) > 1:
        yield f"\nin all    about {_duration(total)}"
    yield (
        f"\nnothing was trained; next: python -m debiaslab {study.kind} with the same arguments"
        + (" but --plan" if study.kind != "sweep" else "")
    )


def _sweep_plan(plan: Plan, corpus: Corpus, root: str) -> tuple[str, float]:
    """Return what a sweep would train, and the seconds it takes."""
    from debiaslab.study.status import estimate

    name = plan.study_name(corpus)
    kinds = Counter(run.kind for run in _finished(root, name))
    seeds = len(plan.seeds)
    cost = estimate(
        corpus,
        plan.cell(1.0, plan.seeds[0]),
        runs=max(0, plan.trials * seeds - kinds["trial"]),
        baselines=max(0, seeds - kinds["baseline"]),
    )
    knobs = ", ".join(f"{knob} in {space!r}" for knob, space in plan.search_space.items())
    s = "s" * (seeds != 1)
    return (
        f"study     {name}\n"
        f"searched  {knobs} ({plan.search.sampler}, {', '.join(plan.search.objectives)})\n"
        f"runs      {plan.trials} trials × {seeds} seed{s} + {seeds} baseline{s} = "
        f"{(plan.trials + 1) * seeds}{_known(kinds['trial'] + kinds['baseline'])}\n"
        f"{_speed(cost, plan.strategy)}",
        cost.seconds,
    )


def _comparison_plan(
    plan: ComparisonPlan, corpus: Corpus, root: str, *, floor: bool
) -> list[tuple[str, float]]:
    """Return what a comparison would train: the sweeps that choose λ, then its strategies."""
    from debiaslab.study.comparing import check_comparison, floor_named, foreseen, tuning_plan
    from debiaslab.study.driver import existing_store
    from debiaslab.study.run import run_digest
    from debiaslab.study.status import estimate

    plan = floor_named(corpus, plan) if floor else plan
    name = check_comparison(corpus, plan, root=root)
    parts = [_sweep_plan(tuning_plan(plan, e), corpus, root) for e in plan.entries if e.tuned]
    done = {run_digest(run) for run in _finished(root, name)}
    rows = foreseen(corpus, plan, existing_store(root))
    lines, seconds, there = [], 0.0, 0
    for label, cells in rows:
        left = [cell for cell in cells if cell.digest not in done]
        there += len(cells) - len(left)
        if label is None:
            baselines = len(left)
            continue
        cost = estimate(corpus, cells[0], runs=len(left), baselines=baselines)
        baselines = 0  # they are counted once
        seconds += cost.seconds
        lines.append(_speed(cost, label))
    seeds = len(plan.seeds)
    s = "s" * (seeds != 1)
    text = (
        f"study     {name}\n"
        f"runs      {len(rows) - 1} strategies × {seeds} seed{s} + {seeds} baseline{s} = "
        f"{len(rows) * seeds}{_known(there)}\n"
    )
    return [*parts, (text + "\n".join(lines), seconds)]


def _planted_plan(plan: PlantingPlan, corpus: Corpus, root: str) -> tuple[str, float]:
    """Return what a planted-bias control would train, and the seconds it takes."""
    from debiaslab.study.planting import check_planting, rows_of, words_of
    from debiaslab.study.run import run_digest
    from debiaslab.study.status import estimate

    name = check_planting(corpus, plan, root=root)
    seed = plan.seeds[0]
    cell = plan.cell(words_of(corpus, plan, seed), max(plan.doses), seed)
    done = {run_digest(run) for run in _finished(root, name)}
    digests = [cell.digest for _, cells in rows_of(plan) for cell in cells]
    left = sum(digest not in done for digest in digests)
    cost = estimate(corpus, cell, runs=left, baselines=0)
    seeds = len(plan.seeds)
    s = "s" * (seeds != 1)
    return (
        f"study     {name}\n"
        f"runs      {len(plan.doses)} doses × {seeds} seed{s} = {len(digests)}"
        f"{_known(len(digests) - left)}\n"
        f"{_speed(cost, 'a dose')}",
        cost.seconds,
    )


def _speed(cost: Estimate, what: str) -> str:
    return (
        f"speed     {cost.words_per_second:,.0f} words/s, "
        f"{cost.words_per_second_strategy:,.0f} with {what}; "
        f"{cost.words:,} words and {cost.measuring:.1f} s of measuring a run"
    )


def _known(runs: int) -> str:
    return f" ({runs} of them are in the store)" if runs else ""


def _finished(root: str, name: str) -> list[RunInfo]:
    """Return the runs of a study that have finished already; the store is not made."""
    from debiaslab.study.driver import existing_store

    store = existing_store(root)
    study = None if store is None else store.find_study(name)
    if store is None or study is None:
        return []
    return [run for run in store.runs(study.run_id) if run.status == "FINISHED"]


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    if seconds < 7200:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"
