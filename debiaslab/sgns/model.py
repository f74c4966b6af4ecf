"""The SGNS model: two embedding matrices and the loss of their products (Mikolov et al. 2013)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

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
