"""The planted-bias control: how each metric follows the dose, its tables and its figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING

from debiaslab.metrics.planted import PlantedMetric, planted_metrics
from debiaslab.metrics.scorecard import Record
from debiaslab.report.comparison import OverSeeds
from debiaslab.report.style import BASELINE, INK, REPORT, TUNE, figure, figure_of, plain
from debiaslab.results.runs import Dosed, PlantedStudy
from debiaslab.statistics.paired import FEW_SEEDS
from debiaslab.tables import Block, Column, Table, span

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_LEAST_DOSES = 3  # two are always in order


@dataclass(frozen=True)
class DosePoint(OverSeeds):
    """One metric of one set of words at one dose, over the seeds.

    Attributes:
        dose: The dose.
        null_median: Middle of what random words show, mean over seeds.
        null: Ends of the middle 95 % of it; None where it was not measured.
        inside: Seeds whose value lies in the middle 95 % of their own random words.
        undefined: Random sets left out, as the metric is undefined for them, mean over seeds.
    """

    dose: float
    null_median: float | None
    null: tuple[float, float] | None
    inside: int
    undefined: float = 0.0

    @property
    def excess(self) -> float | None:
        """How far the mean is from the middle of random words; None when either is missing."""
        if self.mean is None or self.null_median is None:
            return None
        return self.mean - self.null_median


@dataclass(frozen=True)
class Followed:
    """One metric over the doses."""

    metric: PlantedMetric  # which
    planted: tuple[DosePoint, ...]  # the chosen words, by rising dose
    control: tuple[DosePoint, ...]  # the control words
    # Spearman correlation of the metric with the dose (its size for metrics without sign) for
    # the chosen words, within each seed, mean over seeds; None with fewer than 3 doses or
    # without spread
    rho: float | None
    control_rho: float | None  # the same for the control words
    # change of the chosen words' mean from the lowest to the highest dose, less that of
    # random words: the planted text changes the vectors of gender words for all
    response: float | None
    control_response: float | None  # the same for the control words

    @property
    def leak(self) -> float | None:
        """The control words' response as a share of the chosen words'."""
        if self.response is None or self.control_response is None or self.response == 0:
            return None
        return self.control_response / self.response

    @property
    def at_zero(self) -> DosePoint | None:
        """The chosen words at dose 0; None when it is not among the doses."""
        return next((point for point in self.planted if point.dose == 0), None)


def followed(study: PlantedStudy) -> tuple[Followed, ...]:
    """Return how each metric follows the dose."""
    return tuple(_followed(study, metric) for metric in planted_metrics(apart=study.apart))


def _followed(study: PlantedStudy, metric: PlantedMetric) -> Followed:
    planted, control = (
        tuple(_point(dosed, metric.metric, name) for dosed in study.doses)
        for name in ("planted", "control")
    )
    by_size = metric.follows in ("size", "less")
    scale = [each.size if by_size else each.dose for each in study.doses]
    return Followed(
        metric=metric,
        planted=planted,
        control=control,
        rho=_rho(planted, scale),
        control_rho=_rho(control, scale),
        response=_response(planted),
        control_response=_response(control),
    )


def _point(dosed: Dosed, metric: str, name: str) -> DosePoint:
    found = [None if card is None else card.record(metric, name, "all") for card in dosed.cards]
    records = [record for record in found if record is not None and record.value is not None]

    def average(key: str) -> float | None:
        values = [value for record in records if (value := record.extra.get(key)) is not None]
        return mean(values) if values else None

    low, high = average("null_low"), average("null_high")
    return DosePoint(
        values=tuple(None if record is None else record.value for record in found),
        dose=dosed.dose,
        null_median=average("null_median"),
        null=None if low is None or high is None else (low, high),
        inside=sum(map(_inside, records)),
        undefined=average("null_undefined") or 0.0,
    )


def _inside(record: Record) -> bool:
    value, low, high = record.value, record.extra.get("null_low"), record.extra.get("null_high")
    return value is not None and low is not None and high is not None and low <= value <= high


def _rho(points: Sequence[DosePoint], scale: Sequence[float]) -> float | None:
    """Return the mean over seeds of Spearman's ρ over the doses of one seed."""
    found = [
        rho
        for values in zip(*(point.values for point in points), strict=True)
        if (rho := _seed_rho(values, scale)) is not None
    ]
    return mean(found) if found else None


def _seed_rho(values: Sequence[float | None], scale: Sequence[float]) -> float | None:
    import numpy as np

    from debiaslab.statistics.bootstrap import spearman

    runs = [(at, value) for at, value in zip(scale, values, strict=True) if value is not None]
    if len(runs) < _LEAST_DOSES:
        return None
    rho = spearman(np.array([at for at, _ in runs]), np.array([value for _, value in runs]))
    return rho if math.isfinite(rho) else None


def _response(points: Sequence[DosePoint]) -> float | None:
    first, last = points[0].excess, points[-1].excess
    return None if first is None or last is None else last - first


_COLUMNS = (
    *("metric", "follows", "words", "dose", "seeds", "mean", "low", "high"),
    *("null_median", "null_low", "null_high", "seeds_inside", "rho"),
)
_FOLLOWS = {"dose": "dose", "size": "its size", "less": "−its size", "nothing": None}
_AT_ZERO = {
    "text": "gender words near the chosen words are male as often as in the whole text ({:.0%})",
    "alike": "gender words near these, and near all they are compared with, are male as often as "
    "in the whole text ({:.0%})",
    "balanced": "half of the gender words near the chosen words are male ({:.0%} in the text)",
    "corpus": "the text as it is ({:.0%} of its gender words are male)",
}


def planted_blocks(study: PlantedStudy) -> list[Block]:
    """Return the table, what its numbers are, and the words."""
    return [planted_table(study), "\n".join(words_of(study))]


def planted_table(study: PlantedStudy, title: str = "") -> Table:
    """Return one row a metric: its means by dose, and how it follows the dose."""
    columns = (
        *(Column("metric", align="left"), Column("follows")),
        *(Column(f"dose {dosed.dose:g}") for dosed in study.doses),
        *(Column("random words at 0", span(3, signed=True)), Column("inside")),
        *(Column("ρ", "+.2f"), Column("ρ control", "+.2f"), Column("leak", "+.0%")),
    )
    found = followed(study)
    note = _note(study, found)
    return Table(columns, list(map(_metric_row, found)), title, (note,), "tab:planted")


def planted_csv(study: PlantedStudy) -> str:
    """Return one row for each metric, set of words and dose; what is missing is left empty."""
    rows = [
        (
            *(each.metric.metric, each.metric.follows, name, point.dose, point.n, point.mean),
            *(*point.interval, point.null_median, *(point.null or (None, None)), point.inside, rho),
        )
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


def _note(study: PlantedStudy, found: Sequence[Followed]) -> str:
    """Say what the numbers of the table are."""
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
        f"{_APART if study.apart else _TOGETHER}{_left_out(found)}"
    )


def _left_out(found: Sequence[Followed]) -> str:
    """Say which nulls at dose 0 are without some of their sets."""
    lost = [
        f"{each.metric.label} ({each.at_zero.undefined:,.0f})"
        for each in found
        if each.at_zero is not None and each.at_zero.undefined
    ]
    if not lost:
        return ""
    why = "random sets left out, for it is undefined for them (mean over seeds)"
    return f"; {why}: {', '.join(lost)}"


def words_of(study: PlantedStudy) -> list[str]:
    """Return the chosen and the control words, a line each, of each seed where they differ."""
    seeds = list(zip(study.words, study.control, strict=True))
    alike = len(set(study.words)) == 1
    return [
        f"{name}{'' if alike else f' {i}'}: {', '.join(words)}"
        for i, pair in enumerate(seeds[:1] if alike else seeds, 1)
        for name, words in zip(("chosen", "control"), pair, strict=True)
    ]


def _metric_row(each: Followed) -> tuple[object, ...]:
    zero = each.at_zero
    band = inside = None
    if zero is not None and zero.null is not None:
        band, inside = zero.null, f"{zero.inside}/{zero.n}"
    leak = each.leak if each.metric.follows == "dose" else None
    return (
        *(each.metric.label, _FOLLOWS[each.metric.follows]),
        *(point.text("+.3f") for point in each.planted),
        *(band, inside, each.rho, each.control_rho, leak),
    )


_PANELS = 4  # beside each other
_BAND = "#dcdcdc"
FOLLOWED = 0.9  # ρ from which the title counts a metric as following


@figure_of("planted", "planted")
def planted_figure(study: PlantedStudy) -> Figure:
    """Each metric against the dose: chosen words, in which the association was planted, control
    words, and random words as a band. Thin lines are the seeds.
    """
    shown = [each for each in followed(study) if any(p.mean is not None for p in each.planted)]
    rows = -(-len(shown) // _PANELS)
    made = figure(finding(shown), 11.0, 0.9 + 2.3 * rows)
    panels = made.subplots(max(rows, 1), _PANELS, sharex=True, squeeze=False)
    for axes, each in zip(panels.flat, shown, strict=False):
        _panel(axes, each)
    for axes in panels.flat[len(shown) :]:
        axes.set_visible(False)
    what = "dose of every other word" if study.apart else "dose (female ← 0 → male)"
    for axes in panels[-1]:
        axes.set_xlabel(what)
    handles, labels = panels.flat[0].get_legend_handles_labels()
    made.legend(handles, labels, loc="outside lower left", ncols=3, frameon=False, fontsize=9)
    return made


def _panel(axes: Axes, each: Followed) -> None:
    banded = [(p.dose, *p.null) for p in each.planted if p.null is not None]
    doses, low, high = zip(*banded, strict=True) if banded else ((), (), ())
    axes.fill_between(doses, low, high, color=_BAND, linewidth=0, label="random words, middle 95 %")
    _series(axes, each.control, REPORT, "s", "control words, no dose", 0.02)
    _series(axes, each.planted, TUNE, "o", "chosen words, planted", -0.02)
    plain(axes)
    axes.axvline(0, color=BASELINE, linestyle=":", linewidth=1, zorder=1)
    axes.set_title(each.metric.label, fontsize=10, loc="left", color=INK)
    if each.metric.follows == "nothing":
        axes.set_title("cancels what is planted", fontsize=8, loc="right", color=BASELINE)
    elif each.rho is not None:
        what = "ρ" if each.metric.follows == "dose" else "ρ with |dose|"
        axes.set_title(f"{what} {each.rho:+.2f}", fontsize=8, loc="right", color=BASELINE)


def _series(
    axes: Axes, points: Sequence[DosePoint], color: str, marker: str, label: str, aside: float
) -> None:
    for values in zip(*(p.values for p in points), strict=True):
        one = [(p.dose, v) for p, v in zip(points, values, strict=True) if v is not None]
        axes.plot([d for d, _ in one], [v for _, v in one], color=color, linewidth=0.7, alpha=0.35)
    axes.errorbar(
        [p.dose + aside for p in points if p.mean is not None],
        [p.mean for p in points if p.mean is not None],
        yerr=[(p.half_width or 0.0) * (p.n >= FEW_SEEDS) for p in points if p.mean is not None],
        color=color,
        marker=marker,
        markersize=4,
        linewidth=1.4,
        elinewidth=1,
        capsize=2,
        label=label,
    )


def finding(shown: Sequence[Followed]) -> str:
    """Say how many metrics follow the dose."""
    signed = [each for each in shown if each.metric.follows == "dose"]
    good = sum(each.rho is not None and each.rho >= FOLLOWED for each in signed)
    return f"{good} of {len(signed)} signed metrics follow the planted dose (ρ ≥ {FOLLOWED:g})"
