"""Figures of words: associations, the he–she axis, neighbours, the map and the clusters.

Each takes what :mod:`debiaslab.report.words` measured, and whose vectors these are (``note``). A
figure that finds nothing to draw raises UserError.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from debiaslab.errors import UserError
from debiaslab.report import words as measured
from debiaslab.report.style import (
    BASELINE,
    FEMALE,
    INK,
    MALE,
    OTHER,
    REPORT,
    TUNE,
    figure,
    figure_of,
    legend_above,
    name_points,
    panel_name,
    plain,
    tell,
)
from debiaslab.report.words import Association, MappedWords, Scatter, Shift
from debiaslab.statistics.bootstrap import RESAMPLES, Interval, bootstrap_mean
from debiaslab.tables import with_span

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from debiaslab.lexicons import Half
    from debiaslab.metrics import Scorecard
    from debiaslab.metrics.neighbor_bias import NeighborBias


# The size of each association -----------------------------------------------------------------


@dataclass(frozen=True)
class AssociationSize:
    """The size of one association, ``|s|`` divided by the baseline's random-word yardstick.

    The intervals are those of ``s`` over target words, divided likewise; one that holds 0 begins
    at 0. None where there is none.
    """

    test: str
    words: Half
    run: float | None
    baseline: float | None
    run_interval: tuple[float, float] | None = None
    baseline_interval: tuple[float, float] | None = None


def association_sizes(
    run: Scorecard, baseline: Scorecard | None, nulls: Mapping[str, float]
) -> tuple[AssociationSize, ...]:
    """Return the size of each association that has a yardstick.

    Args:
        run: Scorecard of the run.
        baseline: Scorecard of the baseline of the same seed, when the run is not it.
        nulls: ``"test/half"`` to the 95 % quantile of ``|s|`` in the baseline.
    """
    halves: tuple[Half, ...] = ("tune", "report")
    found = []
    for test in dict.fromkeys(key.rpartition("/")[0] for key in nulls):
        for half in halves:
            if null := nulls.get(f"{test}/{half}"):
                size, interval = _sized(run, test, half, null)
                before, before_interval = _sized(baseline, test, half, null)
                found.append(AssociationSize(test, half, size, before, interval, before_interval))
    return tuple(found)


def _sized(
    card: Scorecard | None, test: str, half: Half, null: float
) -> tuple[float | None, tuple[float, float] | None]:
    """Return the size of an association and its interval, in units of the yardstick."""
    record = None if card is None else card.record("weat", test, half)
    if record is None:
        return None, None
    s, low, high = (record.extra.get(f"statistic{end}") for end in ("", "_low", "_high"))
    interval = None
    if low is not None and high is not None:
        near, far = sorted((abs(low) / null, abs(high) / null))
        interval = (0.0 if low <= 0 <= high else near, far)
    return None if s is None else abs(s) / null, interval


_APART = 0.07  # of the marks of baseline and run from the middle of their row
_ROOM = 1.4  # of the axis, in units of the largest size


@figure_of("run", "associations")
@figure_of("sizes", "sizes")
def scorecard_figure(sizes: Sequence[AssociationSize]) -> Figure:
    """The size of each association in units of random words: hollow marks are the baseline,
    filled marks the run. Left of the dashed line is what random words show.
    """
    if not sizes:
        raise UserError("no association has a yardstick, so there is nothing to draw")
    tests = list(dict.fromkeys(size.test for size in sizes))
    note = "Bars: 95 % intervals over target words (bootstrap); they may run out of the figure."
    made = figure(_sizes_title(sizes), 7.5, 2.0 + 0.7 * len(tests), note)
    axes = made.subplots()
    for half, color, marker, shift in (("tune", TUNE, "o", -0.2), ("report", REPORT, "s", 0.2)):
        for side, name, aside in (("baseline", "baseline", -_APART), ("run", "this run", _APART)):
            points = [
                (value, tests.index(size.test) + shift + aside, size)
                for size in sizes
                if size.words == half and (value := getattr(size, side)) is not None
            ]
            for value, y, size in points:
                _mark(axes, (value, y), size, side, color)
            if points:
                axes.plot(
                    [value for value, _, _ in points],
                    [y for _, y, _ in points],
                    linestyle="none",
                    marker=marker,
                    markersize=7,
                    color=color,
                    markerfacecolor="white" if side == "baseline" else color,
                    label=f"{half} words, {name}",
                    zorder=3,
                )
    axes.axvline(1.0, color=BASELINE, linestyle="--", linewidth=1, label="95 % of random words")
    axes.set_yticks(range(len(tests)), [association_label(test) for test in tests])
    axes.set_ylim(len(tests) - 0.4, -0.6)
    shown = [x for size in sizes for x in (size.run, size.baseline) if x is not None]
    axes.set_xlim(0, max([1.0, *shown]) * _ROOM)
    axes.set_xlabel("|s| ÷ 95 % quantile of |s| for random words in the baseline")
    plain(axes)
    legend_above(axes)
    return made


def _mark(
    axes: Axes, at: tuple[float, float], size: AssociationSize, side: str, color: str
) -> None:
    """Draw the interval of an association, and tell what it is."""
    interval = getattr(size, f"{side}_interval")
    if interval is not None:
        axes.plot(interval, [at[1]] * 2, color=color, linewidth=1.2, alpha=0.75)
    name = f"{association_label(size.test)}, {size.words} words, {side}"
    tell(axes, [at], [f"{name}: {with_span(at[0], interval or (None, None), 2)}"])


def _sizes_title(sizes: Sequence[AssociationSize]) -> str:
    both = [(s.baseline, s.run) for s in sizes if s.baseline is not None and s.run is not None]
    if not both:
        above = sum(size.run is not None and size.run > 1 for size in sizes)
        return f"{above} of {len(sizes)} associations exceed the random-word null"
    fell = sum(run < baseline for baseline, run in both)
    within = sum(run <= 1 for _, run in both)
    return (
        f"{fell} of {len(both)} associations are smaller than the baseline's, {within} do not "
        "exceed the random-word null"
    )


def association_label(test: str) -> str:
    """Return ``WEAT 6b`` for ``6b``; other names stay as they are."""
    return f"WEAT {test}" if test[:1].isdigit() else test


# Words of two spaces --------------------------------------------------------------------------


MOST_WORDS = 40  # of the axis figure
_COLORS = {"tune": TUNE, "report": REPORT}
_NAMED = 4  # professions a side that get their name
# Okabe & Ito; the marker says the same as the colour.
_GROUPS = {
    "male": (MALE, "^"),
    "female": (FEMALE, "v"),
    "career": (REPORT, "o"),
    "family": (OTHER, "o"),
    "math": ("#E69F00", "s"),
    "arts": ("#56B4E9", "s"),
}
_SIDES = ("before (baseline)", "after")
_LABELLED = 60  # words of a panel that get their name


def _shown(word: str) -> str:
    return word.replace("_", " ")


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


@figure_of("words", "axis", measured.shifts)
def axis_figure(shifts: Sequence[Shift], note: str = "", what: str = "occupations") -> Figure:
    """Occupations on the axis from she to he: an arrow from where each was in the baseline to
    where it is in the run.

    The words that leaned most are drawn, at most ``MOST_WORDS``; the title is about all of
    them.
    """
    if not shifts:
        raise UserError(f"none of the {what} has a vector, so there is nothing to draw")
    leaning = sorted(shifts, key=lambda each: -abs(each.before))[:MOST_WORDS]
    drawn = sorted(leaning, key=lambda each: each.before)
    small = f"{note} {len(drawn)} of {len(shifts)} {what}, those that lean most before.".strip()
    made = figure(axis_title(shifts, what), 7.5, 1.7 + 0.2 * len(drawn), small)
    axes = made.subplots()
    for place, each in enumerate(drawn):
        color = _COLORS[each.half]
        axes.annotate(
            "",
            (each.after, place),
            (each.before, place),
            arrowprops={"arrowstyle": "-|>", "color": color, "linewidth": 1.1, "shrinkB": 0},
        )
        axes.plot([each.before], [place], "o", color=color, markerfacecolor="white", markersize=4.5)
        axes.plot([each.after], [place], "o", color=color, markersize=3)
        word = _shown(each.word)
        told = f"{word} ({each.half} word): {_signed(each.before)} → {_signed(each.after)}"
        tell(axes, [(each.before, place), (each.after, place)], [told, told])
    for half, color in _COLORS.items():
        axes.plot([], [], color=color, linewidth=1.5, label=f"{half} words")
    axes.plot([], [], "o", color=INK, markerfacecolor="white", markersize=4.5, label="before")
    axes.axvline(0, color=BASELINE, linewidth=1)
    axes.set_yticks(range(len(drawn)), [_shown(each.word) for each in drawn])
    axes.set_ylim(-0.8, len(drawn) - 0.2)
    plain(axes)
    axes.tick_params(axis="y", labelsize=8, length=0)
    axes.set_xlabel("she  ←  cos(w, he) − cos(w, she)  →  he")
    legend_above(axes)
    return made


def axis_title(shifts: Sequence[Shift], what: str) -> str:
    """Say how the mean lean changed, and whether that is more than the words differ."""
    before = np.abs([each.before for each in shifts])
    after = np.abs([each.after for each in shifts])
    return (
        f"Mean size of the lean of {len(shifts)} {what}: {before.mean():.3f} → {after.mean():.3f}"
        f"{changed_by(bootstrap_mean(after - before, RESAMPLES, 0))}"
    )


def changed_by(interval: Interval) -> str:
    """Return the interval of a change in words; the words are what was resampled."""
    low, high = interval
    if low is None or high is None:
        return ""
    shown = f"[{low:+.3f}, {high:+.3f}]".replace("-", "−")
    if low <= 0 <= high:
        return f", no change beyond the variation between words ({shown})"
    return f" (change {shown} over words)"


@figure_of("words", "associations", measured.word_associations)
def word_associations_figure(found: Sequence[Association], note: str = "") -> Figure:
    """The association of every target word with male rather than female words (or with career
    rather than family), as ticks, and the mean of each list with its interval.
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
            told = [f"{_shown(word)}, {when}: {_signed(value)}" for word, value in words]
            tell(axes, [(value, y) for value in values], told)
            mean = sum(values) / len(values)
            if low is not None and high is not None:
                axes.plot([low, high], [y, y], color=color, linewidth=2.2)
            axes.plot([mean], [y], marker, color=color, markersize=6, zorder=3)
    axes.plot([], [], "s", color=BASELINE, label="before (baseline)")
    axes.plot([], [], "o", color=REPORT, label="after")
    names = [
        f"{association_label(each.test)} {each.target}: {_shown(each.list)} ({len(each.words)})"
        for each in found
    ]
    axes.set_yticks(range(len(found)), names)
    axes.set_ylim(len(found) - 0.4, -0.6)
    axes.axvline(0, color=BASELINE, linewidth=1)
    plain(axes)
    axes.set_xlabel("s(w, A, B): association with A less that with B, in cosine")
    legend_above(axes)
    return made


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


@figure_of("words", "word-map", measured.word_map)
def word_map_figure(words: MappedWords, note: str = "") -> Figure:
    """Gender words and target words in the plane: the gender direction from left to right, the
    first component of the rest of the space upwards; before and after.
    """
    before, after = words.measured
    title = (
        f"Along the gender direction lies {before:.0%} of these words' variance before, "
        f"{after:.0%} after"
    )
    small = (
        f"{note} {len(words.words)} words; x and y are made in each space by itself. y: first "
        "principal component of the words with the gender direction taken out."
    ).strip()
    made = figure(title, 10.5, 5.8, small)
    panels = made.subplots(1, 2, sharex=True)
    told = zip(map(_shown, words.words), words.groups, strict=True)
    _draw_planes(panels, words, [f"{word} ({group})" for word, group in told], 20)
    for axes in panels:
        axes.axvline(0, color=BASELINE, linewidth=1)
        axes.set_xlabel("female  ←  cosine with the gender direction  →  male")
    panels[0].set_ylabel("first component of the rest")
    legend_above(panels[0], columns=3)
    for axes, points in zip(panels, (words.before, words.after), strict=True):
        far = np.argsort(-np.abs(points[:, 0]))[:_LABELLED]
        names = [_shown(words.words[i]) for i in far]
        name_points(made, axes, [(x, y) for x, y in points[far]], names)
    return made


def _draw_planes(
    panels: Sequence[Axes], words: MappedWords, told: Sequence[str], size: int, label: str = "{}"
) -> None:
    """Draw the words of each space in a panel, a colour and marker for each group."""
    sides = zip(panels, _SIDES, (words.before, words.after), strict=True)
    for axes, name, points in sides:
        for group in dict.fromkeys(words.groups):
            color, marker = _GROUPS[group]
            own = np.array([each == group for each in words.groups])
            x, y = points[own].T
            named = label.format(group)
            axes.scatter(x, y, s=size, color=color, marker=marker, label=named, zorder=3)
        tell(axes, [(x, y) for x, y in points], told)
        plain(axes)
        panel_name(axes, name)


@figure_of("words", "neighbors", measured.neighbor_scatter)
def neighbors_figure(sides: Sequence[Scatter], note: str = "") -> Figure:
    """Professions: their own lean in the baseline from left to right, the share of their
    neighbours that lean to he upwards; before and after.
    """
    first = sides[0][0]
    small = (
        f"{note} {len(first.words)} professions, {first.neighbors} neighbours each; bias and lean "
        "of the neighbours by the baseline. r with its 95 % bootstrap interval over professions."
    ).strip()
    made = figure(_neighbors_title(sides[0][1], sides[1][1]), 9.0, 4.6, small)
    panels = made.subplots(1, 2, sharex=True, sharey=True)
    places = [list(zip(side.bias, side.shares, strict=True)) for side, _ in sides]
    for axes, name, color, (side, r), points in zip(
        panels, ("before", "after"), (TUNE, REPORT), sides, places, strict=True
    ):
        axes.scatter(side.bias, side.shares, color=color, s=16, alpha=0.75)
        told = zip(map(_shown, side.words), points, strict=True)
        tell(axes, points, [f"{w}: lean {_signed(b)}, {s:.0%} of neighbours" for w, (b, s) in told])
        axes.margins(x=0.2)  # for names
        axes.axvline(0, color=BASELINE, linewidth=1)
        plain(axes)
        shown = "not measured" if r.value is None else with_span(r.value, r.interval, 2)
        axes.set_title(f"{name}: r = {shown}", fontsize=10, loc="left", color=INK)
        axes.set_xlabel("cos(w, he) − cos(w, she) in the baseline")
    panels[0].set_ylabel("share of neighbours that lean to he")
    named = sorted(range(len(first.words)), key=lambda i: first.bias[i])
    ends = sorted({*named[:_NAMED], *named[-_NAMED:]})
    names = [_shown(first.words[i]) for i in ends]
    for axes, points in zip(panels, places, strict=True):
        name_points(made, axes, [points[i] for i in ends], names, others=points)
    return made


def _neighbors_title(before: NeighborBias, after: NeighborBias) -> str:
    if before.value is None or after.value is None:
        return "Professions and the lean of their neighbours"
    (low, high), (low2, high2) = before.interval, after.interval
    apart = (
        None not in (low, high, low2, high2) and (high2 < low or low2 > high)  # type: ignore[operator]
    )
    said = "" if apart else ": no change beyond the variation between professions"
    change = f"r {before.value:.2f} → {after.value:.2f}"
    return f"A profession's lean shows in its neighbours: {change}{said}"


@figure_of("words", "clusters", measured.clusters)
def clusters_figure(words: MappedWords, note: str = "") -> Figure:
    """The words that lean most in the baseline, laid out by t-SNE before and after: whether the
    two labels still lie apart.
    """
    before, after = ("not measured" if x is None else f"{x:.2f}" for x in words.measured)
    title = (
        "k-means tells the baseline's most male from its most female words: alignment "
        f"{before} before, {after} after (0.5 is chance)"
    )
    side = len(words.words) // 2
    small = (
        f"{note} {side} + {side} words; t-SNE keeps neighbourhoods, not distances. "
        "Topic alone sets the labels apart too: compare with a text without gender (command floor)."
    ).strip()
    made = figure(title, 9.5, 5.0, small)
    panels = made.subplots(1, 2)
    _draw_planes(panels, words, list(map(_shown, words.words)), 9, "{}-leaning in the baseline")
    for axes in panels:
        axes.set_xticks([])
        axes.set_yticks([])
    legend_above(panels[0], columns=1)
    return made
