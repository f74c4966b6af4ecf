"""The SGNS model (Mikolov et al. 2013): two matrices, their loss, and vectors to start from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from debiaslab.errors import UserError
from debiaslab.vectors.embeddings import Embeddings

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus


ROW_FLOATS = 16  # rows are padded to whole 64-byte cache lines, which the fast engine relies on


@dataclass(frozen=True)
class Batch:
    """Scores to be predicted: every target of a row against every output of the same row.

    Two layouts share this shape. ``word2vec``: the targets are the window of one context word,
    the outputs that word and its k negatives. ``homework``: one target, and as outputs 2m context
    slots and 2mk negatives.
    """

    targets: Tensor  # (n, T) word ids, rows of W
    mask: Tensor  # (n, T) 1.0 for a real target, 0.0 for padding
    outputs: Tensor  # (n, O) word ids, rows of C
    labels: Tensor  # (n, O) 1.0 for a context word, 0.0 for a negative

    @property
    def pairs(self) -> int:
        """Number of positive (target, context) pairs."""
        return int((self.mask.sum(1) * self.labels.sum(1)).sum())


class SGNS(nn.Module):
    """Target embeddings ``W`` and context embeddings ``C``, each ``(V, d)``.

    W starts uniform in ±1/d and C at zero. Both are views of the parameters ``target`` and
    ``context``, whose rows are padded with zeros to a multiple of 16 floats and start on 64-byte
    boundaries, so that the compiled kernel trains the same memory that autograd sees. The padding
    has zero gradients and stays zero.

    Args:
        vocab_size: V, number of words.
        dim: d, length of a vector.
        seed: Seed of the initial values.
    """

    def __init__(self, vocab_size: int, dim: int, seed: int = 0) -> None:
        super().__init__()
        padded = -(-dim // ROW_FLOATS) * ROW_FLOATS
        self.dim = dim
        self.target = nn.Parameter(torch.zeros(vocab_size, padded))
        self.context = nn.Parameter(torch.zeros(vocab_size, padded))
        self.W.uniform_(-1 / dim, 1 / dim, generator=torch.Generator().manual_seed(seed))

    @property
    def W(self) -> Tensor:
        """Target embeddings, ``(V, d)``: the parameter's own memory, outside autograd."""
        return self.target.detach()[:, : self.dim]

    @property
    def C(self) -> Tensor:
        """Context embeddings, ``(V, d)``: the parameter's own memory, outside autograd."""
        return self.context.detach()[:, : self.dim]

    def forward(self, targets: Tensor, outputs: Tensor, sparse: bool = False) -> Tensor:
        """Return the dot products W[targets] · C[outputs], shape ``(n, T, O)``.

        ``sparse`` asks for sparse gradients, so that a step costs the rows touched and not V.
        """
        h = F.embedding(targets, self.target, sparse=sparse)
        o = F.embedding(outputs, self.context, sparse=sparse)
        return torch.bmm(h, o.transpose(1, 2))

    def loss(self, batch: Batch, sparse: bool = False) -> Tensor:
        """Return the mean over positive pairs of −log σ(W·C) − Σₖ log σ(−W·Cₖ) (eq. 4), in nats."""
        scores = self(batch.targets, batch.outputs, sparse)
        signs = (2 * batch.labels - 1).unsqueeze(1)
        log_likelihood = F.logsigmoid(signs * scores).sum(2)
        return -(log_likelihood * batch.mask).sum() / max(batch.pairs, 1)

    def rows(self, ids: Tensor, sparse: bool = False) -> tuple[Tensor, Tensor]:
        """Return ``(W[ids], C[ids])``, each ``(n, d)``, inside autograd."""
        W = F.embedding(ids, self.target, sparse=sparse)
        C = F.embedding(ids, self.context, sparse=sparse)
        return W[:, : self.dim], C[:, : self.dim]


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
        """Raise a `UserError` unless the vectors have the dimension of the training."""
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
    """How many words a training took from the vectors it continues from."""

    found: int  # words of the text that start from their vector
    anew: int  # words of the text that have none
    absent: int  # words with a vector that the text lacks
    kept: bool  # whether these stay among the vectors
    contexts: int  # words of the text that start from their context vector, too

    def __str__(self) -> str:
        absent = "kept as they are" if self.kept else "dropped (--keep-words keeps them)"
        parts = [
            f"{self.found:,} of the {self.found + self.anew:,} words of the text continue from "
            f"their vectors, {self.anew:,} start from scratch",
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
