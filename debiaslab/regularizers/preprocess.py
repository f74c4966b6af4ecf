"""Pre-processing strategies: they change the id stream while training reads it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from debiaslab.regularizers.registry import Stage, Strategy


class Rewriting(ABC):
    """A pre-processing strategy bound to a vocabulary: what the trainer's reader calls.

    It is called from several threads at once and in no order: it must depend on its arguments
    alone, and draw what it draws from (seed, epoch, place), never from a state.
    """

    pairs: tuple[str, ...] = ()  # "he/she", … that it works with, found in the vocabulary
    pairs_missing: tuple[str, ...] = ()

    @abstractmethod
    def counts(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how often each word is expected in one pass of the rewritten stream, ``(V,)``."""

    @abstractmethod
    def rewrite(self, ids: NDArray[np.int32], start: int, epoch: int) -> NDArray[np.int32]:
        """Return what is trained on instead of ``ids``, which may be overwritten.

        The result may have another length. Each document ends with −1.

        Args:
            ids: A stretch of the stream, whole documents unless one is very long.
            start: Its place in the stream.
            epoch: Number of the pass, from 0.
        """


@dataclass(frozen=True)
class Preprocess(Strategy):
    """Something done to the text before its words are learnt from."""

    stage: ClassVar[Stage] = "pre"

    @abstractmethod
    def bind(self, vocabulary: Sequence[str], counts: NDArray[np.int64], seed: int) -> Rewriting:
        """Look the strategy's words up in a vocabulary.

        Args:
            vocabulary: Words by id.
            counts: Tokens of each, shape ``(V,)``.
            seed: Seed of everything that is drawn.

        Raises:
            UserError: The vocabulary lacks the words the strategy needs.
        """
