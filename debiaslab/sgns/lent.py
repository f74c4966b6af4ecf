"""The vectors under training, lent to a callback: a copy takes half as much as both matrices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from debiaslab.vectors.embeddings import Embeddings


class LentEmbeddings(Embeddings):
    """Embeddings that are the memory which is trained on, and can be read for a while only.

    To keep them: ``Embeddings(lent.words, lent.vectors)``, which copies.

    Args:
        words: ``V`` distinct words.
        vectors: Array of shape ``(V, d)``; rows may be padded. Not copied.
    """

    def __init__(self, words: Sequence[str], vectors: NDArray[np.float32]) -> None:
        self._lent: NDArray[np.float32] | None = vectors.view()
        self._lent.flags.writeable = False
        self.words = tuple(words)
        self.index = {word: i for i, word in enumerate(self.words)}

    @property
    def vectors(self) -> NDArray[np.float32]:  # type: ignore[override]
        """The vectors, shape ``(V, d)``.

        Raises:
            RuntimeError: They are being trained again.
        """
        if self._lent is None:
            raise RuntimeError(
                "these vectors were lent for the time of on_epoch; keep a copy of them: "
                "Embeddings(lent.words, lent.vectors)"
            )
        return self._lent

    @contextmanager
    def lending(self) -> Iterator[LentEmbeddings]:
        """Yield itself; afterwards there is nothing to read any more."""
        try:
            yield self
        finally:
            self._lent = None
            self.__dict__.pop("unit", None)
