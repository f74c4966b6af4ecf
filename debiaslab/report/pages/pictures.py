"""The figures of a report, each with words for those who cannot see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from debiaslab.errors import UserError
from debiaslab.metrics import NotMeasuredError
from debiaslab.report import words as measured
from debiaslab.report.data import association_sizes
from debiaslab.report.figures import (
    axis_figure,
    clusters_figure,
    curves_figure,
    front_figure,
    gap_figure,
    heat_map_figure,
    loss_figure,
    neighbors_figure,
    scorecard_figure,
    stability_figure,
    sweep_figure,
    tradeoff_figure,
    word_associations_figure,
    word_map_figure,
)
from debiaslab.report.pages.content import Drawing
from debiaslab.report.style import png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from debiaslab.embeddings import Embeddings
    from debiaslab.results import RunResults, Side, TrialRow

_BY_EPOCH = "epoch/similarity/SimLex-999/all"


def drawing(name: str, description: str, draw: Callable[[], Figure]) -> Iterator[Drawing]:
    """Yield the drawing; nothing when there is nothing to draw."""
    try:
        made = draw()
    except (UserError, NotMeasuredError):  # a small text lacks the words; the tables say which
        return
    title = made.get_suptitle().replace("\n", " ")
    yield Drawing(name, title, description, png(made))


def sweep_drawings(rows: Sequence[TrialRow]) -> Iterator[Drawing]:
    """Yield the figures of the search."""
    yield from drawing(
        "sweep",
        "Bias (above) and retention (below) against λ, on tune words and on report words. Points "
        "are seeds, lines the means of trials, bands the range over seeds; dashed: the baseline.",
        lambda: sweep_figure(rows),
    )
    yield from drawing(
        "tradeoff",
        "Bias against retention, a point a trial, darker for small λ. The line joins the trials "
        "that no other beats in both; the chosen one is ringed, the baseline is the diamond.",
        lambda: tradeoff_figure(rows),
    )
    yield from drawing(
        "stability",
        "Each seed's baseline joined to its best trial: bias and retention on either half of the "
        "words. Lines that go the same way are seeds that agree.",
        lambda: stability_figure(rows),
    )


def comparison_drawings(sides: Sequence[Side]) -> Iterator[Drawing]:
    """Yield the figures of a comparison."""
    yield from drawing(
        "front",
        "Bias on report words against retention, a point a strategy with its intervals over "
        "seeds. A line joins the strategies that no other of their kind (penalties, or "
        "post-processing) beats in both; controls are hollow.",
        lambda: front_figure(sides),
    )
    yield from drawing(
        "heat-map",
        "Every measure (columns) of every strategy (rows) with its rank; the colour is the change "
        "relative to the baseline.",
        lambda: heat_map_figure(sides),
    )
    yield from drawing(
        "gap",
        "Bias on tune words, which λ was chosen on, and on report words, for each strategy.",
        lambda: gap_figure(sides),
    )


def run_drawings(before: RunResults, after: RunResults) -> Iterator[Drawing]:
    """Yield what the scorecards and the course of two trainings of one seed show."""
    nulls = before.yardstick
    sizes = association_sizes(after.scorecard, before.scorecard, nulls)
    if sizes:
        yield from drawing(
            "sizes",
            "The size of each association in units of random words: hollow marks are the "
            "baseline, filled marks the run. Left of the dashed line is what random words show.",
            lambda: scorecard_figure(sizes),
        )
    note = f"Baseline and {after.label}, seed {after.seed}."
    yield from drawing(
        "by-epoch",
        "Word similarity after each epoch, of the baseline and of the run.",
        lambda: curves_figure(
            {"baseline": before.series(_BY_EPOCH), after.label: after.series(_BY_EPOCH)},
            "SimLex-999 ρ",
            note,
        ),
    )
    loss = after.series("loss")
    if loss:
        penalty = [point for point in after.series("penalty") if point[1]]
        yield from drawing(
            "loss",
            "The running loss of the run over the training, and the penalty below it.",
            lambda: loss_figure(loss, penalty),
        )


def word_drawings(
    before: Embeddings, after: Embeddings, tests: Sequence[str], note: str
) -> Iterator[Drawing]:
    """Yield what is measured word by word in the vectors of two runs.

    Args:
        before: The baseline's vectors.
        after: Those of the run of the same seed.
        tests: Association tests, drawn on report words.
        note: Whose vectors these are.
    """
    yield from drawing(
        "axis",
        "Occupations on the axis from she to he: an arrow from where each was in the baseline to "
        "where it is in the run.",
        lambda: axis_figure(measured.shifts(before, after), note=note),
    )
    yield from drawing(
        "associations",
        "The association of every target word with male rather than female words (or with career "
        "rather than family), as ticks, and the mean of each list with its interval.",
        lambda: word_associations_figure(
            [
                each
                for test in tests
                for each in measured.word_associations(before, after, test, "report")
            ],
            note,
        ),
    )
    yield from drawing(
        "word-map",
        "Gender words and target words in the plane: the gender direction from left to right, the "
        "first component of the rest of the space upwards; before and after.",
        lambda: word_map_figure(measured.word_map(before, after), note),
    )
    yield from drawing(
        "neighbors",
        "Professions: their own lean in the baseline from left to right, the share of their "
        "neighbours that lean to he upwards; before and after.",
        lambda: neighbors_figure(measured.neighbor_scatter(before, after), note),
    )
    found = measured.clusters(before, after)
    if found is not None:
        yield from drawing(
            "clusters",
            "The words that lean most in the baseline, laid out by t-SNE before and after: whether "
            "the two labels still lie apart.",
            lambda: clusters_figure(found, note),
        )
