"""What a run is called in MLflow: what is special about it, and nothing that is not."""

from __future__ import annotations

from debiaslab import regularizers
from debiaslab.regularizers import Strategy


def run_name(named: str, strategy: Strategy, *, seed: int, trial: int | None = None) -> str:
    """Return such as ``projection λ=0.31 seed=2 · trial 4`` or ``cds[names=False] seed=1``.

    Args:
        named: The strategy as the study names it.
        strategy: The same with its λ and knobs.
        seed: Seed of the training.
        trial: Number of the trial; None in a comparison.
    """
    if strategy.weight == 0:
        return f"baseline seed={seed}"
    name = f"{strategy_label(named, strategy)} seed={seed}"
    return name if trial is None else f"{name} · trial {trial}"


def strategy_label(named: str, strategy: Strategy) -> str:
    """Return such as ``projection λ=0.31`` or ``cds[names=False]``.

    Knobs are named where they are not the default's; λ is not where a strategy has none, or where
    its parts have one each (``projection@0.5+pairwise@10``).
    """
    label = f"{named}{_knobs(named, strategy)}"
    if strategy.weight == 1 and not _has_weight(named):
        return label
    return f"{label} λ={strategy.weight:.3g}"


def _knobs(named: str, strategy: Strategy) -> str:
    usual = regularizers.create(named).knobs()
    own = [f"{knob}={value}" for knob, value in strategy.knobs().items() if value != usual[knob]]
    return f"[{';'.join(own)}]" if own else ""


def _has_weight(named: str) -> bool:
    return "@" not in named and bool(regularizers.search_space(named))
