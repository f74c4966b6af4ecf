"""The gender-blind floor: the lipstick tests on a text that has no gender."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from debiaslab.sgns import TrainSettings
from debiaslab.study.cells import ComparisonPlan, Entry
from debiaslab.study.comparing import Comparison, compare, comparison_name
from debiaslab.study.objective import Objective

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus

STRATEGY = "gender-blind"


def gender_blind_floor(
    corpus: Corpus,
    *,
    seeds: tuple[int, ...] = (1, 2, 3),
    settings: TrainSettings | None = None,
    name: str | None = None,
    root: str | Path = "mlruns",
    submissions: str | Path = "submissions",
    progress: bool = True,
) -> Comparison:
    """Train the baseline and the gender-blind text with the same seeds, and measure both.

    A comparison with one entry: ``sides[0]`` is the baseline, ``sides[1]`` the gender-blind
    vectors, their lipstick tests labelled by the baseline of the same seed. What finished before
    is not trained again.

    Args:
        corpus: Encoded corpus.
        seeds: Of the trainings.
        settings: Of the trainings; None for the defaults.
        name: Of the study; None: made from corpus and settings.
        root: Folder of the local store.
        submissions: Folder for CodaLab files, which the floor makes none of.
        progress: Whether to draw progress bars.

    Raises:
        UserError: The corpus lacks gender words, or words the objective needs; before any training.
    """
    plan = ComparisonPlan(
        (Entry(STRATEGY),),
        seeds=seeds,
        settings=settings or TrainSettings(),
        objective=Objective(retention_weight=0.0),  # nothing is scored: no word similarity needed
        name=name,
        controls=False,
    )
    named = name or comparison_name(corpus, plan).replace("compare-", "floor-", 1)
    return compare(
        corpus,
        replace(plan, name=named),
        root=root,
        submissions=submissions,
        progress=progress,
    )
