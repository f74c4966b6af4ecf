"""The tables of the planted-bias control."""

from __future__ import annotations

from collections.abc import Sequence

from debiaslab.report.planted import Followed, PlantedStudy, Point, followed
from debiaslab.tables import Block, Column, Table, markdown, plain, span

_COLUMNS = (
    *("metric", "follows", "words", "dose", "seeds", "mean", "low", "high"),
    *("null_median", "null_low", "null_high", "seeds_inside", "rho"),
)
_FOLLOWS = {"dose": "dose", "size": "its size", "less": "−its size", "nothing": None}
_AT_ZERO = {
    "text": "gender words near the chosen words are male as often as in the whole text ({:.0%})",
    "alike": "gender words near these, and near all they are held against, are male as often as in "
    "the whole text ({:.0%})",
    "balanced": "half of the gender words near the chosen words are male ({:.0%} in the text)",
    "corpus": "the text as it is ({:.0%} of its gender words are male)",
}


def planted_blocks(study: PlantedStudy) -> list[Block]:
    """Return the table, what its numbers are, and the words."""
    return [planted_table(study), _words(study)]


def planted_text(study: PlantedStudy) -> str:
    """Return the control as plain text."""
    return plain(planted_blocks(study))


def planted_markdown(study: PlantedStudy) -> str:
    """Return the control as Markdown."""
    return markdown(planted_blocks(study))


def planted_table(study: PlantedStudy) -> Table:
    """Return one row a metric: its means by dose, and how it follows the dose."""
    columns = (
        *(Column("metric", align="left"), Column("follows")),
        *(Column(f"dose {dosed.dose:g}", _value) for dosed in study.doses),
        *(Column("random words at 0", span(3, signed=True)), Column("inside")),
        *(Column("ρ", "+.2f"), Column("ρ control", "+.2f"), Column("leak", "+.0%")),
    )
    rows = [_metric_row(each) for each in followed(study)]
    return Table(columns, rows, notes=(caption(study),), label="tab:planted")


def planted_csv(study: PlantedStudy) -> str:
    """Return one row for each metric, set of words and dose; what is missing is left empty."""
    rows = [
        [each.metric.metric, each.metric.follows, name, *_row(point), rho]
        for each in followed(study)
        for name, points, rho in (
            ("planted", each.planted, each.rho),
            ("control", each.control, each.control_rho),
        )
        for point in points
    ]
    return Table(tuple(map(Column, _COLUMNS)), rows).csv()


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


def _metric_row(each: Followed) -> tuple[object, ...]:
    zero = each.at_zero
    band = inside = None
    if zero is not None and zero.null_low is not None and zero.null_high is not None:
        band, inside = (zero.null_low, zero.null_high), f"{zero.inside}/{zero.n}"
    leak = each.leak if each.metric.follows == "dose" else None
    points = (None if point.mean is None else point for point in each.planted)
    return (
        *(each.metric.label, _FOLLOWS[each.metric.follows], *points, band, inside),
        *(each.rho, each.control_rho, leak),
    )


def _value(point: Point) -> str:
    spread = "" if point.half_width is None else f" ±{point.half_width:.3f}"
    return f"{point.mean:+.3f}{spread}"


def _row(point: Point) -> Sequence[float | None]:
    low = high = None
    if point.mean is not None and point.half_width is not None:
        low, high = point.mean - point.half_width, point.mean + point.half_width
    null = (point.null_median, point.null_low, point.null_high)
    return point.dose, point.n, point.mean, low, high, *null, point.inside
