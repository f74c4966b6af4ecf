"""What a penalty remembers from one draw of words to the next."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from debiaslab.regularizers.penalty import PenaltyWords


class DirectionMemory:
    """A direction kept over the draws of one training.

    An engine may evaluate a penalty several times on one draw, along the path of a step. The
    direction is to stand still on that path, so a draw counts once, recognised by its words.
    """

    def __init__(self) -> None:
        self.draws = 0
        self.direction: Tensor | None = None
        self._words: PenaltyWords | None = None

    def is_new(self, words: PenaltyWords) -> bool:
        """Return whether this draw has not been met yet, and count it."""
        if words is self._words:
            return False
        self._words = words
        self.draws += 1
        return True

    def state(self) -> dict[str, NDArray]:
        """Return what it remembers between two draws, for a checkpoint."""
        found = {} if self.direction is None else {"direction": self.direction.cpu().numpy()}
        return {"draws": np.array(self.draws), **found}

    def restore(self, state: dict[str, NDArray]) -> None:
        """Go on from what ``state`` returned."""
        self.draws = int(state["draws"])
        if "direction" in state:
            self.direction = torch.from_numpy(state["direction"])
