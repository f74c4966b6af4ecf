"""The comparison as text, Markdown, LaTeX and CSV; a cell that is missing shows as missing."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from debiaslab.report.comparison import (
    Comparing,
    Measure,
    compared,
    every_measure,
    footnotes,
    shown_measures,
)
from debiaslab.report.comparison_fronts import front_text
from debiaslab.results import Side

MISSING = "–"
_SIGNED = re.compile(r"(?<![\d.\w])[-+]\d[\d.]*")
_DIFFERENCES = "Difference to the baseline of the same seed, with its 95 % interval"
_COLUMNS = (
    "strategy",
    "weight",
    "stage",
    "control",
    "metric",
    "name",
    "words",
    "better",
    "seeds",
    "mean",
    "low",
    "high",
    "rank",
    "difference",
    "difference_low",
    "difference_high",
    "p",
    "p_floor",
    "probability_of_improvement",
    "training_seconds",
    "tuning_runs",
    "tuning_seconds",
)


def comparison_text(sides: Sequence[Side]) -> str:
    """Return the means with intervals and ranks, then the differences to the baseline."""
    measures = shown_measures(sides)
    results = [compared(sides, measure) for measure in measures]
    head = ["strategy", "seeds", *(measure.label for measure in measures), "budget"]
    rows = [
        [side.label, _seeds(side), *(_cell(column[i]) for column in results), _budget(side)]
        for i, side in enumerate(sides)
    ]
    changes = _changes(sides, results)
    blocks = [_grid(head, rows), caption(sides)]
    if changes:
        blocks += [_DIFFERENCES, _grid(["strategy", *(m.label for m in measures)], changes)]
        blocks.append(front_text(sides))
    return "\n\n".join(blocks) + "\n"


def caption(sides: Sequence[Side]) -> str:
    """Say what the numbers are."""
    seeds = len(sides[0].cards)
    over = "one seed" if seeds == 1 else f"{seeds} seeds"
    few = () if seeds >= 3 else (f"{over} can say little: use 3 or more",)
    return "; ".join(
        (
            "report words and report pairs, mean ± half of the 95 % t interval over "
            f"{over}, (rank)",
            f"{MISSING} not measured or not finished",
            *footnotes(sides),
            "bias in units of what random words show in the baseline",
            "|s| the WEAT statistic, not d",
            "retention and overlap higher is better, the rest lower",
            "budget: training of the seeds + of tuning λ, seconds",
            *few,
        )
    )


def comparison_markdown(sides: Sequence[Side]) -> str:
    """Return the means as a Markdown table, the best of a column in bold, and the differences."""
    measures = shown_measures(sides)
    results = [compared(sides, measure) for measure in measures]
    labels = [measure.label.replace("|", r"\|") for measure in measures]
    rows = [
        [side.label, *(_emphasised(column[i], "**", "**") for column in results), _budget(side)]
        for i, side in enumerate(sides)
    ]
    changes = _changes(sides, results)
    blocks = [_markdown(["strategy", *labels, "budget"], rows), caption(sides)]
    if changes:
        blocks += [f"{_DIFFERENCES}:", _markdown(["strategy", *labels], changes)]
    return "\n\n".join([*blocks, f"```\n{front_text(sides)}\n```"]) + "\n"


def comparison_latex(sides: Sequence[Side]) -> str:
    """Return means, the best of a column in bold, and differences: ``tabular`` of booktabs."""
    measures = shown_measures(sides)
    results = [compared(sides, measure) for measure in measures]
    labels = [_latex(measure.label) for measure in measures]
    rows = [
        [
            _latex(side.label),
            *(_numbers(_emphasised(column[i], r"\textbf{", "}")) for column in results),
            _budget(side),
        ]
        for i, side in enumerate(sides)
    ]
    said = caption(sides).replace(MISSING, "--")
    lines = [f"% {said}", *_tabular(["strategy", *labels, "budget"], rows)]
    changes = [[_latex(label), *map(_numbers, cells)] for label, *cells in _changes(sides, results)]
    if changes:
        lines += [f"% {_DIFFERENCES}", *_tabular(["strategy", *labels], changes)]
    return "\n".join(lines) + "\n"


def _changes(sides: Sequence[Side], results: Sequence[Sequence[Comparing]]) -> list[list[str]]:
    return [
        [side.label, *(_change(column[i]) for column in results)]
        for i, side in enumerate(sides)
        if i > 0
    ]


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = "|---|" + "---:|" * (len(head) - 1)
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, *rows)]
    return "\n".join([lines[0], rule, *lines[1:]])


def _tabular(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [" & ".join(cells) + r" \\" for cells in (head, *rows)]
    begin = r"\begin{tabular}{l" + "r" * (len(head) - 1) + "}"
    return [
        begin, r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule", r"\end{tabular}",
    ]  # fmt: skip


def comparison_csv(sides: Sequence[Side]) -> str:
    """Return every measure of every side, one a row; a number that is missing is left empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for measure in every_measure(sides):
        for side, result in zip(sides, compared(sides, measure), strict=True):
            writer.writerow(["" if v is None else v for v in _csv_row(side, measure, result)])
    return out.getvalue()


def _csv_row(side: Side, measure: Measure, result: Comparing) -> tuple[object, ...]:
    low = high = None
    if result.mean is not None and result.half_width is not None:
        low, high = result.mean - result.half_width, result.mean + result.half_width
    pair = result.to_baseline
    compared_to = (
        (None,) * 6
        if pair is None
        else (
            pair.difference,
            *pair.interval,
            pair.p,
            pair.floor,
            pair.probability_of_improvement,
        )
    )
    return (
        side.strategy,
        side.weight,
        side.stage,
        side.control,
        measure.metric,
        measure.name,
        measure.words,
        measure.better,
        result.n,
        result.mean,
        low,
        high,
        result.rank,
        *compared_to,
        round(side.seconds, 2),
        side.tuning_runs,
        round(side.tuning_seconds, 2),
    )


def _seeds(side: Side) -> str:
    finished = sum(card is not None for card in side.cards)
    whole = finished == len(side.cards)
    return str(finished) if whole else f"{finished}/{len(side.cards)}"


def _cell(result: Comparing) -> str:
    if result.mean is None:
        return MISSING
    return f"{_value(result)} {result.rank_text}"


def _value(result: Comparing) -> str:
    if result.mean is None:
        return MISSING
    spread = "" if result.half_width is None else f" ±{result.half_width:.3f}"
    return f"{result.mean:.3f}{spread}"


def _change(result: Comparing) -> str:
    pair = result.to_baseline
    if pair is None:
        return MISSING
    low, high = pair.interval
    between = "" if low is None or high is None else f" [{low:+.3f}, {high:+.3f}]"
    few = f" n={pair.n}" if pair.n < result.seeds else ""
    return f"{pair.difference:+.3f}{between}{few}"


def _emphasised(result: Comparing, before: str, after: str) -> str:
    text = _value(result)
    if result.mean is None:
        return text
    shown = f"{before}{text}{after}" if result.rank == 1 else text
    return f"{shown} {result.rank_text}"


def _budget(side: Side) -> str:
    tuning = f" + {side.tuning_seconds:.0f}" if side.tuning_runs else ""
    return f"{side.seconds:.0f}{tuning} s"


def _numbers(text: str) -> str:
    """Set the signs of a cell's numbers as LaTeX does: a minus is no hyphen."""
    signed = _SIGNED.sub(lambda match: f"${match[0]}$", text)
    return signed.replace(" ±", r" $\pm$ ").replace(MISSING, "--")


def _latex(text: str) -> str:
    for mark, written in (("&", r"\&"), ("%", r"\%"), ("_", r"\_"), ("λ", r"$\lambda$")):
        text = text.replace(mark, written)
    return text.replace("|s|", "$|s|$").replace("|r|", "$|r|$")


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()
        for cells in (head, *rows)
    ]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])
