"""The figures of a report, each with words for those who cannot see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from debiaslab.errors import UserError
from debiaslab.metrics import NotMeasuredError
from debiaslab.report import words as measured
from debiaslab.report.figures import (
    axis_figure,
    clusters_figure,
    epochs_figure,
    front_figure,
    gap_figure,
    heat_map_figure,
    loss_figure,
    losses_figure,
    neighbors_figure,
    scorecard_figure,
    stability_figure,
    sweep_figure,
    tradeoff_figure,
    word_associations_figure,
    word_map_figure,
)
from debiaslab.report.figures.runs import AssociationSize, association_sizes
from debiaslab.report.planted import planted_figure
from debiaslab.report.style import Spot, png, spots_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from debiaslab.results import PlantedStudy, RunResults, StrategyResult, TrialRow
    from debiaslab.vectors.embeddings import Embeddings


@dataclass(frozen=True)
class Drawing:
    """A figure as a report holds it.

    Attributes:
        name: Short, for a file name and an anchor.
        title: What the figure states; also written in it.
        description: What is to be seen, for those who cannot see it and as its caption.
        png: The picture.
        spots: What its points are, told by the page to whoever points at one.
    """

    name: str
    title: str
    description: str
    png: bytes
    spots: tuple[Spot, ...] = ()


_BY_EPOCH = "epoch/similarity/SimLex-999/all"


def drawing(name: str, description: str, draw: Callable[[], Figure]) -> Iterator[Drawing]:
    """Yield the drawing; nothing when there is nothing to draw."""
    try:
        made = draw()
    except (UserError, NotMeasuredError):  # a small text lacks the words; the tables say which
        return
    title = made.get_suptitle().replace("\n", " ")
    picture = png(made)  # which places the axes
    yield Drawing(name, title, description, picture, spots_of(made))


def sweep_drawings(rows: Sequence[TrialRow], strategy: str) -> Iterator[Drawing]:
    """Yield the figures of the search for the λ of a strategy."""
    best = next((row.weight for row in rows if row.best), None)
    chosen = strategy if best is None else f"{strategy}@{best:.4g}"
    yield from drawing(
        "sweep",
        "Bias (above) and retention (below) against λ, on tune words and on report words. Points "
        "are seeds, lines the means of trials, bands the range over seeds; dashed: the baseline.",
        lambda: sweep_figure(rows),
    )
    yield from drawing(
        "tradeoff",
        "Bias against retention, a point a trial, darker for small λ. The line joins the trials "
        "that are Pareto-optimal; the selected one is ringed, the baseline is the diamond. Bars "
        "span the seeds. A sweep trains no controls; python -m debiaslab compare --strategies "
        f"{chosen} on the same text does, and draws them into its front.",
        lambda: tradeoff_figure(rows),
    )
    yield from drawing(
        "stability",
        "Each seed's baseline joined to its best trial: bias and retention on either half of the "
        "words. Lines that go the same way are seeds that agree.",
        lambda: stability_figure(rows),
    )


def comparison_drawings(sides: Sequence[StrategyResult]) -> Iterator[Drawing]:
    """Yield the figures of a comparison."""
    yield from drawing(
        "front",
        "Bias on report words against retention, a point a strategy with its intervals over "
        "seeds. A line joins the Pareto-optimal strategies of a kind (penalties, or "
        "post-processing); controls are hollow.",
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


def planted_drawings(study: PlantedStudy) -> Iterator[Drawing]:
    """Yield the figure of a planted-bias control."""
    yield from drawing(
        "planted",
        "Each metric against the dose: chosen words, in which the association was planted, control "
        "words, and random words as a band. Thin lines are the seeds.",
        lambda: planted_figure(study),
    )


def run_drawings(
    sizes: Sequence[AssociationSize],
    loss: Sequence[tuple[int, float]],
    penalty: Sequence[tuple[int, float]] = (),
) -> Iterator[Drawing]:
    """Yield the figures of one run: ``associations``, and ``loss`` when it was trained.

    Args:
        sizes: See :func:`association_sizes`; without one there is no such figure.
        loss: ``(words trained, loss)``.
        penalty: ``(words trained, penalty)``, drawn below the loss.
    """
    if sizes:
        yield from drawing(
            "associations",
            "Size of each association: hollow marks are the baseline, filled marks this run. "
            "Left of the dashed line it is what random words show.",
            lambda: scorecard_figure(sizes),
        )
    if loss:
        yield from drawing(
            "loss", "Running loss over the training.", lambda: loss_figure(loss, penalty)
        )


def size_drawings(before: RunResults, after: RunResults) -> Iterator[Drawing]:
    """Yield how large the associations of two trainings of one seed are."""
    sizes = association_sizes(after.scorecard, before.scorecard, before.yardstick)
    if sizes:
        yield from drawing(
            "sizes",
            "The size of each association in units of random words: hollow marks are the "
            "baseline, filled marks the run. Left of the dashed line is what random words show.",
            lambda: scorecard_figure(sizes),
        )


def training_drawings(
    baselines: Sequence[RunResults], runs: Sequence[RunResults]
) -> Iterator[Drawing]:
    """Yield the course of the trainings, over all seeds.

    Args:
        baselines: The baselines of the seeds.
        runs: One strategy and λ, the same seeds.
    """
    name = runs[0].label
    seeds = ", ".join(str(run.seed) for run in runs)
    several = len(runs) > 1
    note = f"Baseline and {name}, seed{'s' * several} {seeds}."
    bands = " Lines are means over seeds; bands span the seeds, lowest to highest." * several

    def curves(metric: str) -> dict[str, list[list[tuple[int, float]]]]:
        sides = {"baseline": baselines, name: runs}
        return {side: [run.series(metric) for run in own] for side, own in sides.items()}

    yield from drawing(
        "by-epoch",
        f"Word similarity after each epoch, of the baseline and of the run.{bands}",
        lambda: epochs_figure(curves(_BY_EPOCH), "SimLex-999 ρ", note + bands),
    )
    losses, penalties = curves("loss"), [_penalty(run) for run in runs]
    if any(losses[name]):
        below = ", and the run's penalty below" * any(penalties)
        yield from drawing(
            "loss",
            "The running loss of the baseline and of the run over the training"
            + below
            + f".{bands}",
            lambda: losses_figure(losses, penalties, note + bands),
        )


def _penalty(run: RunResults) -> list[tuple[int, float]]:
    return [point for point in run.series("penalty") if point[1]]


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
