"""One self-contained HTML page a run and a study: no script, no network, light and dark."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from debiaslab.errors import UserError
from debiaslab.metrics.scorecard import null_remarks
from debiaslab.metrics.table import SCALE_MARK
from debiaslab.report.figures import (
    association_label,
    loss_figure,
    scorecard_figure,
    sweep_figure,
    tradeoff_figure,
)
from debiaslab.report.style import png
from debiaslab.report.tables import NOT_MEASURED, null_range, trials_table
from debiaslab.report.verdict import headline
from debiaslab.results import TrialRow
from debiaslab.statistics.warnings import warnings_of

if TYPE_CHECKING:
    import jinja2

    from debiaslab.metrics import Scorecard
    from debiaslab.metrics.scorecard import Record
    from debiaslab.report.data import AssociationSize

_FEW_SEEDS = 3
_DIFF_SHOWN = 200_000


@dataclass(frozen=True)
class Picture:
    """A figure, drawn once for the file and for the page.

    Attributes:
        name: Name of the file, without its ending.
        description: What is to be seen.
        png: The picture.
    """

    name: str
    description: str
    png: bytes

    @property
    def source(self) -> str:
        """The picture as an address within a page."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode('ascii')}"


def run_pictures(
    sizes: Sequence[AssociationSize],
    loss: Sequence[tuple[int, float]],
    penalty: Sequence[tuple[int, float]] = (),
) -> list[Picture]:
    """Return the figures of one run: ``associations``, and ``loss`` when it was trained.

    Args:
        sizes: See :func:`association_sizes`; without one there is no such figure.
        loss: ``(words trained, loss)``.
        penalty: ``(words trained, penalty)``, drawn below the loss.
    """
    pictures = []
    if sizes:
        description = (
            "Size of each association: hollow marks are the baseline, filled marks this run. "
            "Left of the dashed line it is what random words show."
        )
        pictures.append(Picture("associations", description, png(scorecard_figure(sizes))))
    if loss:
        drawn = png(loss_figure(loss, penalty))
        pictures.append(Picture("loss", "Running loss over the training.", drawn))
    return pictures


def study_pictures(rows: Sequence[TrialRow]) -> list[Picture]:
    """Return the figures of one study, ``sweep`` and ``tradeoff``; none before a trial finished."""
    try:
        sweep, tradeoff = sweep_figure(rows), tradeoff_figure(rows)
    except UserError:  # no trial has finished: the page says so in its first line
        return []
    return [
        Picture(
            "sweep",
            "Bias and retention against λ. Points are seeds, lines join the means of trials; the "
            "shaded bands are the range of the baseline over seeds.",
            png(sweep),
        ),
        Picture(
            "tradeoff",
            "Bias against retention. The best trial, by score, is ringed.",
            png(tradeoff),
        ),
    ]


def run_report(
    *,
    title: str,
    params: Mapping[str, object],
    provenance: Mapping[str, Any],
    scorecard: Scorecard,
    formula: str,
    outcome: Mapping[str, float | None] | None = None,
    baseline: Scorecard | None = None,
    pictures: Sequence[Picture] = (),
) -> str:
    """Return the page of one run.

    Args:
        title: Heading.
        params: Settings to list.
        provenance: What :func:`debiaslab.system.provenance.provenance` returned.
        scorecard: What was measured.
        formula: The objective, as text.
        outcome: Bias, retention and score in units of the objective.
        baseline: Scorecard of the baseline of the same seed, shown beside the run's.
        pictures: See :func:`run_pictures`.
    """
    associations = [r for r in scorecard.records if r.metric == "weat" and r.reason is None]
    others = [r for r in scorecard.records if r.metric != "weat" and r.reason is None]
    return _render(
        "run.html",
        title=title,
        warnings=warnings_of(scorecard, baseline),
        marked=any(record.extra.get("warning_scale") for record in associations),
        mark=SCALE_MARK,
        formula=formula,
        cover=params.get("cover"),
        provenance=provenance,
        params=params,
        outcome={key: _number(value) for key, value in (outcome or {}).items()},
        compared=baseline is not None,
        associations=[_association(record, baseline) for record in associations],
        others=[_other(record, baseline) for record in others],
        remarks=null_remarks(scorecard.records),
        lost=[
            {
                "what": f"{record.metric} {record.name}, {record.words} words",
                "reason": record.reason,
            }
            for record in scorecard.records
            if record.reason is not None
        ],
        missing=sorted({word for record in scorecard.records for word in record.missing}),
        pictures={each.name: each for each in pictures},
    )


def study_report(
    *,
    title: str,
    rows: Sequence[TrialRow],
    params: Mapping[str, object],
    provenance: Mapping[str, Any],
    formula: str,
    pictures: Sequence[Picture] = (),
    warnings: Sequence[str] = (),
) -> str:
    """Return the page of one study: finding, table, figures, settings, formula, provenance.

    Args:
        title: Heading, such as the study's name.
        rows: The finished runs.
        params: Settings to list; ``cover`` among them is explained.
        provenance: What :func:`debiaslab.system.provenance.provenance` returned.
        formula: The objective, as text.
        pictures: See :func:`study_pictures`.
        warnings: What the reader should know; few seeds and a baseline at its null are added.
    """
    return _render(
        "study.html",
        title=title,
        warnings=[*warnings, *_cautions(rows)],
        formula=formula,
        cover=params.get("cover"),
        provenance=provenance,
        params=params,
        headline=headline(rows),
        table=trials_table(rows),
        pictures=pictures,
    )


def _cautions(rows: Sequence[TrialRow]) -> list[str]:
    seeds = len({row.seed for row in rows})
    cautions = []
    if seeds < _FEW_SEEDS:
        few = "one seed" if seeds == 1 else f"{seeds} seeds"
        cautions.append(f"{few}: differences between trials may be chance.")
    biases = [row.bias_tune for row in rows if row.trial is None]
    if biases and max(biases) < 1:
        cautions.append(
            "The baseline itself is below what random words show: there is little bias to remove."
        )
    if any(row.bias_report is None for row in rows):
        cautions.append("Bias on report words could not be measured in every run.")
    return cautions


def _association(record: Record, baseline: Scorecard | None) -> dict[str, str]:
    extra = record.extra
    before = None if baseline is None else baseline.statistic(record.name, record.words)
    return {
        "test": association_label(record.name),
        "words": record.words,
        "n": str(record.n),
        "s": _signed(extra.get("statistic"), 4),
        "s_interval": _interval(extra.get("statistic_low"), extra.get("statistic_high"), 4),
        "s_baseline": _signed(before, 4),
        "null": _number(extra.get("null95"), 4),
        "d": _signed(record.value, 2) + ("‡" if extra.get("warning_scale") else ""),
        "d_interval": _interval(record.low, record.high, 2),
        "p": "" if record.p is None else f"{record.p:.2g}",
    }


def _other(record: Record, baseline: Scorecard | None) -> dict[str, str]:
    before = None
    if baseline is not None:
        before = baseline.value(record.metric, record.name, record.words)
    coverage = record.extra.get("coverage")
    return {
        "metric": record.metric.replace("_", " "),
        "name": record.name.replace("_", " "),
        "words": record.words,
        "n": f"{record.n:,}",
        "coverage": "" if coverage is None else f"{coverage:.0%}",
        "value": _number(record.value, 4),
        "interval": _interval(record.low, record.high, 4),
        "null": null_range(record),
        "baseline": _number(before, 4),
    }


def _number(value: float | None, digits: int = 3) -> str:
    return NOT_MEASURED if value is None else f"{value:.{digits}f}"


def _signed(value: float | None, digits: int) -> str:
    return _number(None) if value is None else f"{value:+.{digits}f}"


def _interval(low: float | None, high: float | None, digits: int) -> str:
    return "" if low is None or high is None else f"[{low:.{digits}f}, {high:.{digits}f}]"


def _origin(provenance: Mapping[str, Any]) -> dict[str, str]:
    git = provenance.get("git")
    packages = provenance.get("packages") or {}
    commit = "not a git checkout"
    if git:
        commit = git["commit"] + (" with uncommitted changes" if git["dirty"] else "")
    return {
        "debiaslab": str(provenance.get("debiaslab")),
        "git commit": commit,
        "python": str(provenance.get("python")),
        "packages": ", ".join(f"{name} {version or '–'}" for name, version in packages.items()),
        "machine": ", ".join(f"{k} {v}" for k, v in (provenance.get("machine") or {}).items()),
        "command": " ".join(provenance.get("argv") or ()),
    }


def _render(template: str, *, provenance: Mapping[str, Any], **values: object) -> str:
    diff = (provenance.get("git") or {}).get("diff") or ""
    page = templates().get_template(template)
    return page.render(origin=_origin(provenance), diff=diff[:_DIFF_SHOWN], **values)


@cache
def templates() -> jinja2.Environment:
    """Return the environment of the page templates, in which every value is escaped."""
    import jinja2

    # Run names, settings and words come from users' files: everything is escaped.
    return jinja2.Environment(
        loader=jinja2.PackageLoader("debiaslab.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
