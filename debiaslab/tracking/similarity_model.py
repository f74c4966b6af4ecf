"""The exported model, as code that MLflow runs: cosine similarity of word pairs.

MLflow copies this file into the model and runs it when the model is loaded ("models from code"):
nothing is pickled, and the model can be loaded where debiaslab is not installed. It therefore
imports mlflow, numpy, pandas and the standard library only, and nothing of ours imports it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext

if TYPE_CHECKING:
    from numpy.typing import NDArray


class PairSimilarity(PythonModel):
    """Predicts ``sim`` for rows of ``word1, word2`` as ``debiaslab export`` writes them.

    Words are looked up as given, then in lower case, as *Word*, *WORD* and with each word of them
    capitalised, then the same with ``_`` for a space, each in both canonical forms of Unicode; a
    pair with a word that is not found gets the fallback that the model was exported with.
    """

    def load_context(self, context: PythonModelContext) -> None:
        """Read the vectors (``.npz`` without pickle) and the fallback."""
        with np.load(context.artifacts["vectors"], allow_pickle=False) as data:
            text, ends = data["words_utf8"].tobytes(), data["words_offsets"].tolist()
            words = (text[a:b].decode("utf-8", "surrogatepass") for a, b in pairwise(ends))
            self._index = {word: row for row, word in enumerate(words)}
            self._vectors: NDArray[np.float32] = data["vectors"]
        self._fallback = float(context.model_config["fallback"])

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Return one column ``sim`` (cosine in [−1, 1]) with the index of the input."""
        first, second = (self._rows(model_input[side]) for side in ("word1", "word2"))
        known = (first >= 0) & (second >= 0)
        sim = np.full(len(model_input), self._fallback, dtype=np.float64)
        left, right = self._unit(first[known]), self._unit(second[known])
        sim[known] = np.clip((left * right).sum(axis=1), -1.0, 1.0)
        return pd.DataFrame({"sim": sim}, index=model_input.index)

    def _rows(self, words: pd.Series[str]) -> NDArray[np.int64]:
        """Return the row of each word, −1 for one without a vector."""
        return np.array([self._row(word) for word in words], dtype=np.int64)

    def _row(self, word: object) -> int:
        if not isinstance(word, str):  # an empty cell of a CSV
            return -1
        for text in dict.fromkeys(
            word.replace(" ", space) for space in " _\u00a0\u2009\u3000\u202f"
        ):
            for cased in (text, text.lower(), text.capitalize(), text.upper(), text.title()):
                for form in (cased, normalize("NFC", cased), normalize("NFD", cased)):
                    if form in self._index:
                        return self._index[form]
        return -1

    def _unit(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        wide = self._vectors[rows].astype(np.float64)
        norms = np.linalg.norm(wide, axis=1, keepdims=True)
        return wide / np.where(norms > 0, norms, 1.0)


mlflow.models.set_model(PairSimilarity())
