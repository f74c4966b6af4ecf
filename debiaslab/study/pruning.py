"""Ending a trial whose first seeds have said enough."""

from __future__ import annotations

from collections.abc import Sequence


def worse(scores: Sequence[float], best: Sequence[float], *, level: float) -> bool:
    """Whether a trial is worse than the best one on the seeds that both have.

    Wilcoxon's signed-rank test, one-sided and exact, on the differences seed by seed (Wilcoxon
    1945), as in Optuna's ``WilcoxonPruner``, which however never ends a trial on one seed. The
    least p that n seeds can reach is 2⁻ⁿ: at a level of 0.6 the first seed that is worse than the
    best trial's ends a trial, at 0.3 the second in a row, at 0.15 the third.

    Args:
        scores: Scores of the trial, by seed; smaller is better.
        best: Scores of the best trial with the same seeds.
        level: p below which the trial is worse.
    """
    from scipy.stats import wilcoxon

    differences = [ours - theirs for ours, theirs in zip(scores, best, strict=True)]
    if sum(differences) <= 0:
        return False
    tested = wilcoxon(differences, alternative="greater", zero_method="zsplit")
    return float(tested.pvalue) < level
