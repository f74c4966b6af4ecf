"""One finished run, read from the tracking store when it is asked, and the words it acted on."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from debiaslab import lexicons
from debiaslab.lexicons import Half
from debiaslab.results.comparison import DOSE
from debiaslab.tracking.names import PROVENANCE, SCORECARD, TRIAL_TAG, VECTORS, YARDSTICK
from debiaslab.tracking.records import RunInfo

if TYPE_CHECKING:
    from debiaslab.metrics import Scorecard
    from debiaslab.tracking import Store
    from debiaslab.vectors.embeddings import Embeddings


@dataclass(frozen=True)
class HeldOut:
    """The words of a study by what was done with them.

    Attributes:
        cover: Which non-gender words the strategy acts on: ``tune``, ``vocabulary``, ``all``.
        covered: How many those are; None when only the baseline has finished.
        report_words_covered: Whether report words are among them: then they are *covered but never
            tuned on*, otherwise *unseen*. None as above.
        pairs: Gender pairs that the strategy was given and the vocabulary has, as ``he/she``.
        pairs_missing: Those that it has not.
        tuned_on: Association tests whose tune words the objective reads.
        reported_on: Those that can be measured on report words.
    """

    cover: str
    covered: int | None
    report_words_covered: bool | None
    pairs: tuple[str, ...]
    pairs_missing: tuple[str, ...]
    tuned_on: tuple[str, ...]
    reported_on: tuple[str, ...]

    @property
    def report_words(self) -> str:
        """What report words are to this study, in words."""
        if self.report_words_covered is None:
            return "held out"
        return "covered but never tuned on" if self.report_words_covered else "unseen"

    def words(self, name: str, half: Half) -> tuple[str, ...]:
        """Return one half of a word list, such as ``occupations``, ``report``."""
        return lexicons.load(name).half(half)


def held_out(params: Mapping[str, str], yardstick: Iterable[str]) -> HeldOut:
    """Return what the settings of a run with a strategy say.

    Args:
        params: Of the run; those of a baseline have no coverage.
        yardstick: ``"test/half"`` of each association that has a yardstick.
    """
    tests = [key.rpartition("/") for key in yardstick]
    neutral = params.get("coverage.neutral")
    return HeldOut(
        cover=params.get("cover", ""),
        covered=None if neutral is None else int(neutral),
        report_words_covered=_literal(params.get("coverage.report_words_covered", "None")),
        pairs=_literal(params.get("coverage.pairs", "()")),
        pairs_missing=_literal(params.get("coverage.pairs_missing", "()")),
        tuned_on=tuple(test for test, _, half in tests if half == "tune"),
        reported_on=tuple(test for test, _, half in tests if half == "report"),
    )


def _literal(text: str) -> Any:
    return ast.literal_eval(text)


BASELINE = "baseline"


@dataclass(frozen=True)
class RunResults:
    """One finished run of a study. What is in files is read when it is first asked for.

    Attributes:
        info: The run as it is recorded: settings, last values of metrics, tags, times.
    """

    info: RunInfo
    _store: Store = field(repr=False, compare=False)

    @property
    def run_id(self) -> str:
        """MLflow run."""
        return self.info.run_id

    @property
    def strategy(self) -> str:
        """The strategy; ``"baseline"`` for λ = 0."""
        return BASELINE if self.info.kind == BASELINE else self.info.params["strategy"]

    @property
    def weight(self) -> float:
        """λ."""
        return float(self.info.params["weight"])

    @property
    def seed(self) -> int:
        """Seed of the training."""
        return int(self.info.params["seed"])

    @property
    def trial(self) -> int | None:
        """Number of the trial; None for the baseline and in a comparison."""
        number = self.info.tags.get(TRIAL_TAG, "")
        return int(number) if number else None

    @property
    def label(self) -> str:
        """Strategy and λ, as tables show them; what changes text or vectors seldom has a λ."""
        if (dose := self.info.params.get(DOSE)) is not None:
            return f"dose {float(dose):+g}"
        without = self.info.params.get("stage") in ("pre", "post") and self.weight == 1
        if self.strategy == BASELINE or without:
            return self.strategy
        return f"{self.strategy} λ={self.weight:.3g}"

    @property
    def knobs(self) -> dict[str, str]:
        """Settings of the strategy besides λ, as text."""
        params = self.info.params.items()
        return {key.removeprefix("knob."): v for key, v in params if key.startswith("knob.")}

    @cached_property
    def scorecard(self) -> Scorecard:
        """Everything that was measured of its vectors."""
        from debiaslab.metrics import Scorecard

        return Scorecard.from_json(self.text(SCORECARD))

    @cached_property
    def yardstick(self) -> Mapping[str, float]:
        """``"test/half"`` to the 95 % quantile of ``|s|`` for random words in the baseline."""
        return dict(json.loads(self.text(YARDSTICK))["nulls"])

    @cached_property
    def held_out(self) -> HeldOut:
        """Which words its strategy acted on, tuned on, and only reported on."""
        return held_out(self.info.params, self.yardstick)

    @cached_property
    def provenance(self) -> Mapping[str, Any]:
        """Code, versions, machine and command line (see ``provenance.provenance``)."""
        return dict(json.loads(self.text(PROVENANCE)))

    def embeddings(self) -> Embeddings:
        """Read its vectors; they are not kept, as those of a whole study may not fit in memory."""
        from debiaslab.vectors.embeddings import Embeddings

        return Embeddings.load(self._store.artifact(self.run_id, VECTORS))

    def series(self, metric: str) -> list[tuple[int, float]]:
        """Return ``(step, value)`` of a metric: ``loss``, ``penalty``, ``lr``… by words trained.

        What was measured after each epoch is called ``epoch/<metric>/<name>/<half>``, by epoch.
        Empty when it was not logged.
        """
        return self._store.series(self.run_id, metric)

    def row(self) -> dict[str, Any]:
        """Return the run as one row of :meth:`StudyResults.frame`."""
        metrics = self.info.metrics
        return {
            "run_id": self.run_id,
            "strategy": self.strategy,
            "weight": self.weight,
            "trial": self.trial,
            "seed": self.seed,
            **{name: metrics.get(name) for name in _MEASURED},
            **{f"knob.{name}": value for name, value in self.knobs.items()},
        }

    def text(self, artifact: str) -> str:
        """Read one of its files."""
        return self._store.artifact(self.run_id, artifact).read_text(encoding="utf-8")


_MEASURED = (
    "bias_tune",
    "bias_report",
    "retention_tune",
    "retention_report",
    "score",
    "seconds",
    "words_per_second_total",
)
