"""How much is spent on uncertainty, and where every seed of a scorecard comes from."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import get_args

from debiaslab.lexicons import Half

HALVES: tuple[Half, ...] = get_args(Half)


@dataclass(frozen=True)
class Effort:
    """How much is spent on uncertainty, and the seed all of it comes from."""

    seed: int
    bootstrap: int  # resamples for intervals; 0: none
    permutations: int  # Monte Carlo partitions of a test; 0: no test
    null: bool  # whether random-word yardsticks are measured

    def seed_of(self, *what: str) -> int:
        """Return the seed of one record: no record depends on which others are measured."""
        return zlib.crc32("\t".join((str(self.seed), *what)).encode())
