"""No strategy: the baseline."""

from __future__ import annotations

from dataclasses import dataclass

from debiaslab.regularizers.registry import Strategy, register


@register("none")
@dataclass(frozen=True)
class NoStrategy(Strategy):
    """Plain SGNS (Mikolov et al. 2013, Distributed Representations of Words and Phrases)."""

    citation = "Mikolov et al. 2013, Distributed Representations of Words and Phrases (NeurIPS)"
