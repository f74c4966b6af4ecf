"""Continuing from vectors that exist: which words start from them, which are only kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from debiaslab.errors import UserError
from debiaslab.sgns.model import SGNS
from debiaslab.vectors.embeddings import Embeddings

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus


@dataclass(frozen=True)
class Start:
    """What a training continues from.

    Attributes:
        targets: Target embeddings; words they lack start as in a new training.
        contexts: Context embeddings, such as gensim's ``syn1neg``; None: all start at zero, as in
            a new training.
        keep_words: Whether words that the text lacks stay among the vectors, as they are.
    """

    targets: Embeddings
    contexts: Embeddings | None = None
    keep_words: bool = False

    def check(self, dim: int) -> None:
        """Refuse vectors of another dimension than the training's.

        Raises:
            UserError: One of the two has another.
        """
        for kind, vectors in (("vectors", self.targets), ("context vectors", self.contexts)):
            if vectors is not None and vectors.dim != dim:
                raise UserError(
                    f"the {kind} to continue from have dimension {vectors.dim}, this training "
                    f"{dim}",
                    next_step=f"--dim {vectors.dim}",
                )

    def put_into(self, model: SGNS, corpus: Corpus) -> Continued:
        """Write the vectors of the words of the text into the model.

        Raises:
            UserError: They have another dimension, or share no word with the text.
        """
        self.check(model.dim)
        found = _copy(self.targets, model.W, corpus)
        if not found:
            raise UserError("the vectors to continue from share no word with the corpus vocabulary")
        contexts = 0 if self.contexts is None else _copy(self.contexts, model.C, corpus)
        words = len(corpus.words) - (corpus.unk is not None)
        return Continued(
            found=found,
            anew=words - found,
            absent=len(self.targets) - found,
            kept=self.keep_words,
            contexts=contexts,
        )

    def added_to(self, embeddings: Embeddings) -> Embeddings:
        """Return trained vectors, followed by the words that the text lacks if they are kept."""
        rows = [row for row, word in enumerate(self.targets.words) if word not in embeddings.index]
        if not (self.keep_words and rows):
            return embeddings
        words = [*embeddings.words, *(self.targets.words[row] for row in rows)]
        vectors = np.concatenate([embeddings.vectors, self.targets.vectors[rows]])
        vectors.flags.writeable = False
        return Embeddings(words, vectors)


@dataclass(frozen=True)
class Continued:
    """How many words a training took from the vectors it continues from.

    Attributes:
        found: Words of the text that start from their vector.
        anew: Words of the text that have none.
        absent: Words with a vector that the text lacks.
        kept: Whether these stay among the vectors.
        contexts: Words of the text that start from their context vector, too.
    """

    found: int
    anew: int
    absent: int
    kept: bool
    contexts: int

    def __str__(self) -> str:
        absent = "kept as they are" if self.kept else "dropped (--keep-words keeps them)"
        parts = [
            f"{self.found:,} of the {self.found + self.anew:,} words of the text continue from "
            f"their vectors, {self.anew:,} start anew",
            f"{self.contexts:,} continue from their context vectors" if self.contexts else "",
            f"{self.absent:,} words that the text lacks are {absent}" if self.absent else "",
        ]
        return "; ".join(part for part in parts if part)


def _copy(vectors: Embeddings, matrix: torch.Tensor, corpus: Corpus) -> int:
    found, _ = vectors.split(corpus.words)
    if found:
        rows = torch.tensor([corpus.index[word] for word in found])
        matrix[rows] = torch.from_numpy(vectors.vectors[[vectors.index[word] for word in found]])
    return len(found)
