"""LEACE: no linear classifier can tell the labels any more, at the least change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from debiaslab.errors import UserError
from debiaslab.regularizers.leaning import LabelsWords, leaning_words
from debiaslab.regularizers.linear import AffineMap
from debiaslab.regularizers.postprocess import DebiasWords, Eraser
from debiaslab.regularizers.registry import register
from debiaslab.regularizers.subspace import check_known
from debiaslab.vectors.embeddings import Embeddings

_TOLERANCE = 1e-6  # of the whitened cross-covariance, in [0, 1/2]: the package's 0.01 leaves some


@register("leace")
@dataclass(frozen=True)
class Leace(LabelsWords):
    """LEACE: the affine map after which labels and vectors are uncorrelated.

    The labels are the ``side`` most male- and most female-leaning covered words, as the vectors
    themselves rank them (1/8 of the words on either side at most). The map is fitted on these, the
    vectors as they are, and applied to every covered word and to no other: gender words keep
    their gender. Lengths are what the map makes them.
    """

    side: int = 2_500

    citation = "Belrose et al. 2023, LEACE: Perfect linear concept erasure in closed form (NeurIPS)"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_side(self.side)

    def fit(self, embeddings: Embeddings, words: DebiasWords, seed: int = 0) -> Eraser:
        """Fit the map in closed form; nothing is drawn."""
        import torch
        from concept_erasure import LeaceEraser

        check_known(embeddings, words.neutral)
        leaning = leaning_words(embeddings, words, self.side)
        rows = [embeddings.index[word] for word in leaning.male + leaning.female]
        X = torch.from_numpy(embeddings.vectors[rows].astype(np.float64))
        z = torch.from_numpy(leaning.is_male.astype(np.float64))
        # Keeping the trace of the covariance would mix in a map that erases in part only.
        eraser = LeaceEraser.fit(X, z, svd_tol=_TOLERANCE, constrain_cov_trace=False)
        D = (eraser.proj_left @ eraser.proj_right).numpy()
        center = np.zeros(embeddings.dim) if eraser.bias is None else eraser.bias.numpy()
        return AffineMap(D, center, words.neutral)


def check_side(side: int) -> None:
    """Refuse a number of labelled words that labels nothing.

    Raises:
        UserError: It is less than 2.
    """
    if side < 2:
        raise UserError(f"{side} labelled words a side were asked for", allowed="2 or more")
