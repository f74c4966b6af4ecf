"""The exported model as MLflow serves it: cosine similarity of word pairs.

This file is copied into the exported model, so that it can be loaded where debiaslab is not
installed; it therefore imports numpy and pandas only, and reads vectors without pickle.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd


class PairSimilarity:
    """Predicts ``sim`` for rows of ``word1, word2``.

    Args:
        words: ``V`` words.
        vectors: Array of shape ``(V, d)``.
        fallback: The similarity given to a pair with a word that is not among ``words``.
    """

    def __init__(self, words: Sequence[str], vectors: NDArray[np.float32], fallback: float) -> None:
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        self._unit = vectors / np.where(norms > 0, norms, 1.0)
        self._index = {word: row for row, word in enumerate(words)}
        self._fallback = fallback

    def predict(self, pairs: pd.DataFrame) -> pd.DataFrame:
        """Return one column ``sim`` (cosine in [−1, 1]) with the index of ``pairs``."""
        import pandas as pd

        first = np.array([self._index.get(word, -1) for word in pairs["word1"]], dtype=np.int64)
        second = np.array([self._index.get(word, -1) for word in pairs["word2"]], dtype=np.int64)
        known = (first >= 0) & (second >= 0)
        sim = np.full(len(pairs), self._fallback, dtype=np.float64)
        cosines = np.einsum("ij,ij->i", self._unit[first[known]], self._unit[second[known]])
        sim[known] = np.clip(cosines, -1.0, 1.0)
        return pd.DataFrame({"sim": sim}, index=pairs.index)


def save(path: Path, words: Sequence[str], vectors: NDArray[np.float32], fallback: float) -> None:
    """Write the words (as JSON bytes), vectors and fallback to one ``.npz`` without pickle."""
    encoded = np.frombuffer(json.dumps(list(words)).encode(), dtype=np.uint8)
    np.savez(path, words=encoded, vectors=vectors, fallback=np.float64(fallback))


def _load_pyfunc(path: str, _model_config: Any = None) -> PairSimilarity:
    """Entry point that MLflow calls with the path of the data file."""
    with np.load(path, allow_pickle=False) as data:
        words = json.loads(data["words"].tobytes().decode())
        return PairSimilarity(words, data["vectors"], float(data["fallback"]))
