"""What is read back from the tracking store, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

# artifacts of a run
VECTORS = "vectors/vectors.npz"
SCORECARD = "scorecard.json"
YARDSTICK = "yardstick.json"
CORPUS = "corpus.json"
PROVENANCE = "provenance.json"
BETWEEN_SEEDS = "scorecard_between_seeds.json"  # a baseline measured against another seed's
# artifacts of a study
SIDES = "sides.json"  # of a comparison: its strategies, with their runs
# tags of a study
GROUP_TAG = "debiaslab.group"  # the name that the studies of one file with several strategies share
COMPARISON_TAG = "debiaslab.comparison"  # "true": strategies are compared
# metrics of a run
LAMBDA = "lambda"  # λ as a metric: the UI's charts take numbers only
LOG_LAMBDA = "log10_lambda"  # and have no logarithmic axis; the baseline has none


@dataclass(frozen=True)
class RunInfo:
    """One run as it is recorded.

    Attributes:
        name: As MLflow shows it, where anybody may change it.
        experiment: MLflow experiment that it is in.
        status: ``RUNNING``, ``FINISHED``, ``FAILED`` or ``KILLED``.
        params: Settings, as text; a long one is cut, with the whole in ``params_long.json``.
        metrics: The last value of each metric. A metric that was not measured is absent.
        start: When it started, UTC.
        end: When it ended, UTC; None while it runs.
    """

    run_id: str
    name: str
    experiment: str
    status: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    start: datetime
    end: datetime | None

    @property
    def kind(self) -> str | None:
        """What the run is: ``study``, ``trial``, ``baseline`` and so on."""
        return self.tags.get("debiaslab.kind")


@dataclass(frozen=True)
class StudyRun(RunInfo):
    """The parent run of a study; ``study`` is the name it is found by, whatever MLflow shows."""

    study: str


@dataclass(frozen=True)
class DatasetInfo:
    """The corpus as MLflow shows it on a run's page.

    Attributes:
        digest: The corpus fingerprint (hex); MLflow shows the first 16 digits, the profile all.
        source: Where the text came from: a path or URI.
        columns: Name and MLflow type (``string``, ``long``…) of each column.
        profile: Counts worth showing, such as documents, tokens and types.
    """

    name: str
    digest: str
    source: str
    columns: Mapping[str, str] = field(default_factory=dict)
    profile: Mapping[str, Any] = field(default_factory=dict)
