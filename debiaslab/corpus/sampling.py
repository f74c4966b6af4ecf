"""Which tokens are kept and which words are drawn as noise (Mikolov et al. 2013b, section 2)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from debiaslab.errors import UserError


def keep_probability(counts: ArrayLike, t: float, total: int | None = None) -> NDArray[np.float64]:
    """Return the probability with which a token of each word survives subsampling, shape ``(V,)``.

    ``p(w) = min(1, (sqrt(f/t) + 1) · t/f)`` with ``f = count / total``: the form of the word2vec
    code, which the paper's equation 5 approximates.

    Args:
        counts: Tokens of each word, shape ``(V,)``.
        t: Relative frequency above which tokens are dropped; 0 keeps every token.
        total: Tokens in the stream; the sum of ``counts`` when None.

    Raises:
        UserError: ``t`` is negative or not finite.
    """
    if not (math.isfinite(t) and t >= 0):
        raise UserError(
            f"a subsampling threshold of {t} cannot be used",
            allowed="0 (keep every token) or a small positive number",
            next_step="--subsample 0.001",
        )
    counts = np.asarray(counts, dtype=np.float64)
    keep = np.ones(len(counts))
    seen = counts > 0  # <UNK> may have replaced nothing
    if t > 0 and seen.any():
        ratio = t * (counts.sum() if total is None else total) / counts[seen]  # t / f
        keep[seen] = np.minimum(1.0, np.sqrt(ratio) + ratio)
    return keep


def noise_distribution(
    counts: ArrayLike, power: float = 0.75, unk: int | None = None
) -> NDArray[np.float64]:
    """Return the probability with which each word is drawn as a negative, shape ``(V,)``, sum 1.

    ``P(w) ∝ count(w)^power``, exact in float64; ``<UNK>`` (id ``unk``) is never drawn.

    Raises:
        UserError: ``power`` is not finite, or no word is left to draw.
    """
    if not math.isfinite(power):
        raise UserError(f"a noise power of {power} cannot be used", allowed="a number such as 0.75")
    counts = np.asarray(counts, dtype=np.float64)
    weights = np.zeros(len(counts))
    seen = counts > 0
    weights[seen] = counts[seen] ** power
    if unk is not None:
        weights[unk] = 0.0
    if not weights.sum() > 0:
        raise UserError(
            "no word is left to draw noise from",
            allowed="a vocabulary with at least one word besides <UNK>",
        )
    return weights / weights.sum()
