"""Seed stability: does every seed tell the same story?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from debiaslab.errors import UserError
from debiaslab.report.style import BASELINE, INK, REPORT, TUNE, figure, plain
from debiaslab.results import TrialRow

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PANELS = (
    ("bias_tune", "bias, tune words", TUNE, False),
    ("bias_report", "bias, report words", REPORT, False),
    ("retention", "retention, tune pairs", TUNE, True),
    ("retention_report", "retention, report pairs", REPORT, True),
)
_MARKERS = "osD^vPX*"


def stability_figure(rows: Sequence[TrialRow]) -> Figure:
    """Draw each seed's baseline and best trial, joined by a line: one panel a number.

    Raises:
        UserError: No seed has both.
    """
    base = {row.seed: row for row in rows if row.trial is None}
    best = {row.seed: row for row in rows if row.best}
    seeds = sorted(base.keys() & best.keys())
    if not seeds:
        raise UserError("no seed has a baseline and a best trial, so there is nothing to draw")
    weight = best[seeds[0]].weight
    note = f"Baseline (left) and λ = {weight:.3g} (right) of each seed, the same start for both."
    made = figure(_title(base, best, seeds), 9.0, 3.9, note)
    panels = made.subplots(1, len(_PANELS))
    for axes, (name, label, color, better_up) in zip(panels, _PANELS, strict=True):
        for i, seed in enumerate(seeds):
            ends = [getattr(base[seed], name), getattr(best[seed], name)]
            if None in ends:
                continue
            worse = (ends[1] < ends[0]) == better_up and ends[0] != ends[1]
            axes.plot(
                (0, 1), ends, color=color, marker=_MARKERS[i % len(_MARKERS)], linewidth=1.4,
                linestyle="--" if worse else "-", label=f"seed {seed}",
            )  # fmt: skip
        plain(axes)
        axes.set_title(label, fontsize=9, loc="left", color=INK)
        axes.set_xticks([0, 1], ["λ = 0", "best λ"])
        axes.set_xlim(-0.25, 1.25)
        axes.axhline(1.0, color=BASELINE, linestyle=":", linewidth=1)
    panels[0].legend(frameon=False, fontsize=8, loc="best")
    return made


def _title(base: dict[int, TrialRow], best: dict[int, TrialRow], seeds: Sequence[int]) -> str:
    def agree(name: str) -> str | None:
        pairs = [(getattr(base[s], name), getattr(best[s], name)) for s in seeds]
        measured = [(b, a) for b, a in pairs if b is not None and a is not None]
        fell = sum(a < b for b, a in measured)
        return None if not measured else f"{fell} of {len(measured)}"

    report, tune = agree("bias_report"), agree("bias_tune")
    if len(seeds) == 1:
        return "One seed: nothing can be said about stability"
    parts = [f"Seeds with less bias: {tune} on tune words"] if tune else []
    parts += [f"{report} on report words"] if report else []
    return ", ".join(parts) + " (dashed: got worse)"
