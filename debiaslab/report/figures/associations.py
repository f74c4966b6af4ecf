"""The figures of association tests: their size, and the words behind each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from debiaslab.errors import UserError
from debiaslab.report.data import AssociationSize
from debiaslab.report.figures.spots import signed, tell
from debiaslab.report.style import BASELINE, REPORT, TUNE, figure, legend_above, plain
from debiaslab.report.word_data import Association

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_APART = 0.07  # of the marks of baseline and run from the middle of their row
_ROOM = 1.4  # of the axis, in units of the largest size


def scorecard_figure(sizes: Sequence[AssociationSize]) -> Figure:
    """Draw the size of each association with its interval, before (baseline) and after."""
    tests = list(dict.fromkeys(size.test for size in sizes))
    note = "Bars: 95 % intervals over target words (bootstrap); they may run out of the figure."
    made = figure(_sizes_title(sizes), 7.5, 2.0 + 0.7 * len(tests), note)
    axes = made.subplots()
    for half, color, marker, shift in (("tune", TUNE, "o", -0.2), ("report", REPORT, "s", 0.2)):
        own = [size for size in sizes if size.words == half]
        places = [tests.index(size.test) + shift for size in own]
        above, below = ([place + by for place in places] for by in (-_APART, _APART))
        for y, size in zip(above, own, strict=True):
            _bar(axes, y, size.baseline_interval, color)
        for y, size in zip(below, own, strict=True):
            _bar(axes, y, size.run_interval, color)
        for places_of, side in ((above, "baseline"), (below, "run")):
            _tell(axes, places_of, own, side)
        _dots(axes, above, [size.baseline for size in own], color, marker, half, hollow=True)
        _dots(axes, below, [size.run for size in own], color, marker, half, hollow=False)
    axes.axvline(1.0, color=BASELINE, linestyle="--", linewidth=1, label="95 % of random words")
    axes.set_yticks(range(len(tests)), [association_label(test) for test in tests])
    axes.set_ylim(len(tests) - 0.4, -0.6)
    shown = [x for size in sizes for x in (size.run, size.baseline) if x is not None]
    axes.set_xlim(0, max([1.0, *shown]) * _ROOM)
    axes.set_xlabel("|s| ÷ 95 % quantile of |s| for random words in the baseline")
    plain(axes)
    legend_above(axes)
    return made


def _bar(axes: Axes, y: float, interval: tuple[float, float] | None, color: str) -> None:
    if interval is not None:
        axes.plot(interval, [y, y], color=color, linewidth=1.2, alpha=0.75)


def _tell(axes: Axes, places: Sequence[float], own: Sequence[AssociationSize], side: str) -> None:
    for y, size in zip(places, own, strict=True):
        value, interval = getattr(size, side), getattr(size, f"{side}_interval")
        if value is None:
            continue
        ends = "" if interval is None else f" [{interval[0]:.2f}, {interval[1]:.2f}]"
        name = f"{association_label(size.test)}, {size.words} words, {side}"
        tell(axes, [(value, y)], [f"{name}: {value:.2f}{ends}"])


def _sizes_title(sizes: Sequence[AssociationSize]) -> str:
    both = [(s.baseline, s.run) for s in sizes if s.baseline is not None and s.run is not None]
    if not both:
        above = sum(size.run is not None and size.run > 1 for size in sizes)
        return f"{above} of {len(sizes)} associations are larger than those of random words"
    fell = sum(run < baseline for baseline, run in both)
    within = sum(run <= 1 for _, run in both)
    return (
        f"{fell} of {len(both)} associations are smaller than the baseline's, {within} are no "
        "larger than those of random words"
    )


def association_label(test: str) -> str:
    """Return ``WEAT 6b`` for ``6b``; other names stay as they are."""
    return f"WEAT {test}" if test[:1].isdigit() else test


def _dots(
    axes: Axes,
    places: Sequence[float],
    values: Sequence[float | None],
    color: str,
    marker: str,
    half: str,
    *,
    hollow: bool,
) -> None:
    points = [(x, y) for x, y in zip(values, places, strict=True) if x is not None]
    if not points:
        return
    axes.plot(
        *zip(*points, strict=True),
        linestyle="none",
        marker=marker,
        markersize=7,
        color=color,
        markerfacecolor="white" if hollow else color,
        label=f"{half} words, {'baseline' if hollow else 'this run'}",
        zorder=3,
    )


def word_associations_figure(found: Sequence[Association], note: str = "") -> Figure:
    """Draw ``s(w, A, B)`` of every target word, before and after: ticks, means with intervals.

    Args:
        found: The target lists of one test or more, as ``word_associations`` returned them.
        note: Whose vectors these are.

    Raises:
        UserError: No test was measured.
    """
    if not found:
        raise UserError("no association test was measured in both, so there is nothing to draw")
    small = (
        f"{note} Ticks: words (n beside the name); bars: mean with its 95 % interval over "
        "words (bootstrap). The list X of a test is expected to the right of its list Y."
    ).strip()
    made = figure(_words_title(found), 8.5, 2.0 + 0.55 * len(found), small)
    axes = made.subplots()
    for place, each in enumerate(found):
        for values, (low, high), color, marker, shift in (
            (each.before, each.before_interval, BASELINE, "s", -0.17),
            (each.after, each.after_interval, REPORT, "o", 0.17),
        ):
            y = place + shift
            axes.plot(values, [y] * len(values), "|", color=color, markersize=7, alpha=0.7)
            when = "before" if values is each.before else "after"
            words = zip(each.words, values, strict=True)
            told = [f"{_plain(word)}, {when}: {signed(value)}" for word, value in words]
            tell(axes, [(value, y) for value in values], told)
            mean = sum(values) / len(values)
            if low is not None and high is not None:
                axes.plot([low, high], [y, y], color=color, linewidth=2.2)
            axes.plot([mean], [y], marker, color=color, markersize=6, zorder=3)
    axes.plot([], [], "s", color=BASELINE, label="before (baseline)")
    axes.plot([], [], "o", color=REPORT, label="after")
    names = [
        f"{association_label(each.test)} {each.target}: {_plain(each.list)} ({len(each.words)})"
        for each in found
    ]
    axes.set_yticks(range(len(found)), names)
    axes.set_ylim(len(found) - 0.4, -0.6)
    axes.axvline(0, color=BASELINE, linewidth=1)
    plain(axes)
    axes.set_xlabel("s(w, A, B): association with A less that with B, in cosine")
    legend_above(axes)
    return made


def _plain(word: str) -> str:
    return word.replace("_", " ")


def _words_title(found: Sequence[Association]) -> str:
    """Say how far the two target lists of the tests lie apart, before and after."""
    tests = dict.fromkeys(each.test for each in found)
    apart = {"before": 0.0, "after": 0.0}
    for test in tests:
        x, y = (each for each in found if each.test == test)
        for when in apart:
            gap = sum(getattr(x, when)) / len(x.words) - sum(getattr(y, when)) / len(y.words)
            apart[when] += abs(gap) / len(tests)
    half = found[0].half
    return (
        f"Mean |s| of {len(tests)} association tests, {half} words: {apart['before']:.3f} before, "
        f"{apart['after']:.3f} after"
    )
