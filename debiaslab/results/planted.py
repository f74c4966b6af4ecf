"""A planted-bias control as its runs kept it: doses, words, scorecards of planted words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING, Any

from debiaslab.metrics.scorecard import Scorecard
from debiaslab.tracking.names import PLANTED_CARD, PLANTED_WORDS

if TYPE_CHECKING:
    from debiaslab.results.run import RunResults

DOSE, BASE, APART = "planted.dose", "planted.base", "planted.apart"  # settings of a run


@dataclass(frozen=True)
class Dosed:
    """The runs of one dose.

    Attributes:
        dose: From −1 (female) to 1 (male).
        size: How far that is from dose 0, as a change of the share of male words.
        cards: Scorecard of each seed; None where the run failed.
        runs: MLflow run of each seed, or None.
    """

    dose: float
    size: float
    cards: tuple[Scorecard | None, ...]
    runs: tuple[str | None, ...]


@dataclass(frozen=True)
class PlantedStudy:
    """All runs of a control.

    Attributes:
        corpus: Name of the text.
        base: What dose 0 is: text, balanced or corpus.
        words: The words a bias was planted in, of each seed.
        control: Words like them that no dose was given, of each seed.
        male_share: Share of the male ones among the text's gender words.
        shared: Share of the gender words near control words that are near chosen words as well,
            mean over seeds.
        pool: How many words the random ones were drawn from.
        doses: By rising dose.
        apart: Whether every other chosen word has the opposite dose.
    """

    corpus: str
    base: str
    words: tuple[tuple[str, ...], ...]
    control: tuple[tuple[str, ...], ...]
    male_share: float
    shared: float
    pool: int
    doses: tuple[Dosed, ...]
    apart: bool = False

    @property
    def seeds(self) -> int:
        """Trainings of each dose."""
        return len(self.doses[0].cards)


def dose_shift(base: str, dose: float, male_share: float) -> float:
    """Return how much a dose changes the share of male words near the chosen ones.

    Args:
        base: What dose 0 is; for ``corpus`` the shift is the dose itself.
        dose: From −1 (female) to 1 (male).
        male_share: Of the gender words of the text.
    """
    if base == "corpus":
        return dose
    at_zero = 0.5 if base == "balanced" else male_share
    return dose * (1 - at_zero) if dose > 0 else dose * at_zero


def planted_study(runs: Sequence[RunResults]) -> PlantedStudy:
    """Return the control that finished runs make: each dose with each seed.

    Args:
        runs: Of one control, at least one.
    """
    cells = {(float(run.info.params[DOSE]), run.seed): run for run in runs}
    seeds = sorted({seed for _, seed in cells})
    words = [_words(run for (_, own), run in cells.items() if own == seed) for seed in seeds]
    params = runs[0].info.params
    base, share = params[BASE], float(words[0]["male_share"])
    return PlantedStudy(
        corpus=params["corpus"],
        base=base,
        apart=params.get(APART) == "True",
        words=tuple(tuple(each["chosen"]) for each in words),
        control=tuple(tuple(each["control"]) for each in words),
        male_share=share,
        shared=mean(each["shared"] for each in words),
        pool=len(words[0]["pool"]),
        doses=tuple(
            Dosed(
                dose,
                abs(dose_shift(base, dose, share)),
                tuple(_card(cells.get((dose, seed))) for seed in seeds),
                tuple(run.run_id if (run := cells.get((dose, seed))) else None for seed in seeds),
            )
            for dose in sorted({dose for dose, _ in cells})
        ),
    )


def _words(runs: Iterable[RunResults]) -> dict[str, Any]:
    return dict(json.loads(next(iter(runs)).text(PLANTED_WORDS)))


def _card(run: RunResults | None) -> Scorecard | None:
    return None if run is None else Scorecard.from_json(run.text(PLANTED_CARD))
