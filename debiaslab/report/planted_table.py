"""The planted-bias control as text, Markdown and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from debiaslab.report.comparison_table import MISSING
from debiaslab.report.planted import Followed, PlantedStudy, Point, followed

_COLUMNS = (
    *("metric", "follows", "words", "dose", "seeds", "mean", "low", "high"),
    *("null_median", "null_low", "null_high", "seeds_inside", "rho"),
)
_FOLLOWS = {"dose": "dose", "size": "its size", "less": "−its size", "nothing": "–"}
_AT_ZERO = {
    "text": "gender words near the chosen words are male as often as in the whole text ({:.0%})",
    "alike": "gender words near these, and near all they are held against, are male as often as in "
    "the whole text ({:.0%})",
    "balanced": "half of the gender words near the chosen words are male ({:.0%} in the text)",
    "corpus": "the text as it is ({:.0%} of its gender words are male)",
}


def planted_text(study: PlantedStudy) -> str:
    """Return the table, what its numbers are, and the words."""
    head, rows = _cells(study)
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()
        for cells in (head, *rows)
    ]
    grid = "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])
    return f"{grid}\n\n{caption(study)}\n\n{_words(study)}\n"


def planted_markdown(study: PlantedStudy) -> str:
    """Return the same as Markdown."""
    head, rows = _cells(study)
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([*lines, "", caption(study), "", _words(study)]) + "\n"


def planted_csv(study: PlantedStudy) -> str:
    """Return one row for each metric, set of words and dose; what is missing is left empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for each in followed(study):
        for name, points, rho in (
            ("planted", each.planted, each.rho),
            ("control", each.control, each.control_rho),
        ):
            for point in points:
                row = [each.metric.metric, each.metric.follows, name, *_row(point), rho]
                writer.writerow(["" if value is None else value for value in row])
    return out.getvalue()


_TOGETHER = (
    "direct bias, indirect bias, SAME and RNSB have no sign; RNSB is of a classifier of male "
    "against female words, on chosen and control words together; ECT and MAC cancel most of an "
    "association that all words share: see --apart"
)
_APART = (
    "every other chosen word has the opposite dose (gender words near both kinds stay, or have "
    "dose 0 with the base alike): WEAT compares the two kinds, the factual association takes them "
    "for 0 % and 100 % women, male neighbours r correlates the side with the share of male-leaning "
    "words among the neighbours; RNSB is of a classifier of male against female words; ECT is 1 "
    "without bias; MAC takes the mean over both groups, in which any gender association cancels"
)


def caption(study: PlantedStudy) -> str:
    """Say what the numbers are."""
    at_zero = _AT_ZERO[study.base].format(study.male_share)
    return (
        f"mean ± half of the 95 % t interval over {study.seeds} seed"
        f"{'s' * (study.seeds != 1)}; dose −1: only female "
        f"gender words near the chosen words, 1: only male, 0: {at_zero}; random words at 0: "
        "their middle 95 % in the same vectors; inside: seeds whose value lies there at 0; ρ: "
        "Spearman with the dose within a seed, mean over seeds, of chosen and of control words; "
        "leak: change of the control words from the lowest to the highest dose, in % of the chosen "
        f"words' (random words taken off); {study.shared:.0%} of the gender words near control "
        "words are near chosen ones as well; WEAT d is scale-free; "
        f"{_APART if study.apart else _TOGETHER}{_left_out(study)}"
    )


def _left_out(study: PlantedStudy) -> str:
    """Say which nulls at dose 0 are without some of their sets."""
    lost = [
        f"{each.metric.label} ({each.at_zero.undefined:,.0f})"
        for each in followed(study)
        if each.at_zero is not None and each.at_zero.undefined
    ]
    if not lost:
        return ""
    why = "random sets left out, for it is undefined for them (mean over seeds)"
    return f"; {why}: {', '.join(lost)}"


def _words(study: PlantedStudy) -> str:
    lines = []
    if len(set(study.words)) == 1:
        sets = [("", study.words[0], study.control[0])]
    else:
        sets = [
            (f" {i}", chosen, control)
            for i, (chosen, control) in enumerate(zip(study.words, study.control, strict=True), 1)
        ]
    for number, chosen, control in sets:
        lines.append(f"chosen{number}: {', '.join(chosen)}")
        lines.append(f"control{number}: {', '.join(control)}")
    return "\n".join(lines)


def _cells(study: PlantedStudy) -> tuple[list[str], list[list[str]]]:
    doses = [f"dose {dosed.dose:g}" for dosed in study.doses]
    head = ["metric", "follows", *doses, "random words at 0", "inside", "ρ", "ρ control", "leak"]
    return head, [_metric_cells(each) for each in followed(study)]


def _metric_cells(each: Followed) -> list[str]:
    zero = each.at_zero
    band = inside = MISSING
    if zero is not None and zero.null_low is not None and zero.null_high is not None:
        band = f"[{zero.null_low:+.3f}, {zero.null_high:+.3f}]"
        inside = f"{zero.inside}/{zero.n}"
    leak = each.leak if each.metric.follows == "dose" else None
    return [
        each.metric.label,
        _FOLLOWS[each.metric.follows],
        *(_value(point) for point in each.planted),
        band,
        inside,
        *(MISSING if rho is None else f"{rho:+.2f}" for rho in (each.rho, each.control_rho)),
        MISSING if leak is None else f"{leak:+.0%}",
    ]


def _value(point: Point) -> str:
    if point.mean is None:
        return MISSING
    spread = "" if point.half_width is None else f" ±{point.half_width:.3f}"
    return f"{point.mean:+.3f}{spread}"


def _row(point: Point) -> Sequence[float | None]:
    low = high = None
    if point.mean is not None and point.half_width is not None:
        low, high = point.mean - point.half_width, point.mean + point.half_width
    null = (point.null_median, point.null_low, point.null_high)
    return point.dose, point.n, point.mean, low, high, *null, point.inside
