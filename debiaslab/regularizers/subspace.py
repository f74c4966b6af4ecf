"""The bias subspace that sets of words span, words that differ in one attribute only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from debiaslab.errors import UserError
from debiaslab.regularizers.rows import Matrix, unit_vectors
from debiaslab.vectors.embeddings import Embeddings

WordSet = tuple[str, ...]

_RANK = 1e-6  # singular values below this part of the first are rounding


def bias_subspace(embeddings: Embeddings, sets: Sequence[WordSet], components: int = 1) -> Matrix:
    """Return an orthonormal basis B of the bias subspace, ``(components, d)``.

    The first principal components of the unit vectors of all sets, each set centred on its own
    mean (Bolukbasi et al. 2016, step 1; Manzini et al. 2019, section 3.1 for sets of more than
    two). Each row points to the first word of the sets more than to the last: with (male, female)
    pairs, a positive coordinate is a male one.

    Raises:
        UserError: A word has no vector or one of zeros, or the sets span fewer dimensions.
    """
    check_sets(embeddings, sets)
    by_set = [unit_vectors(embeddings, each) for each in sets]
    centred = np.concatenate([each - each.mean(axis=0) for each in by_set])
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    spanned = int((sizes > _RANK * max(sizes[0], _RANK)).sum())
    if spanned == 0:
        raise UserError(
            "the vectors of " + ", ".join("/".join(each) for each in sets[:3]) + " do not differ",
            allowed="vectors in which the words of a set have different directions",
        )
    check_components(components, spanned, len(sets), embeddings.dim)
    B: Matrix = axes[:components]
    forward = sum(each[0] - each[-1] for each in by_set)
    return B * np.where(B @ forward < 0, -1.0, 1.0)[:, None]


def check_components(components: int, spanned: int, sets: int, dim: int) -> None:
    """Refuse a bias subspace of more dimensions than the sets span, or of all there are.

    Raises:
        UserError: There are not so many, or fewer than 1 were asked for.
    """
    most = min(spanned, dim - 1)
    if not 1 <= components <= most:
        raise UserError(
            f"{components} components of the bias subspace were asked for",
            allowed=f"1 to {most} with {sets} sets and dimension {dim}",
            next_step=f"--knob components={max(1, most)}",
        )


def check_sets(embeddings: Embeddings, sets: Sequence[WordSet]) -> None:
    """Make sure that every word of the sets has a vector with a direction.

    Raises:
        UserError: There is no set, a word is missing, or its vector is all zeros.
    """
    if not sets:
        raise UserError(
            "no set of words was given that defines the bias",
            allowed="at least one, such as he/she",
        )
    for word in dict.fromkeys(word for each in sets for word in each):
        if word not in embeddings:
            raise UserError(
                f"the word {word!r}, which defines the bias, is not in the vectors",
                nearest=embeddings.lookup(word),
            )
        if not embeddings[word].any():
            raise UserError(
                f"the vector of {word!r}, which defines the bias, is all zeros",
                allowed="a vector with a direction",
            )


def check_known(embeddings: Embeddings, words: Sequence[str]) -> None:
    """Make sure that every word to be changed has a vector.

    Raises:
        UserError: There is no word to change, or some have no vector.
    """
    missing = [word for word in words if word not in embeddings]
    if not words or missing:
        raise UserError(
            f"{len(missing)} of the {len(words)} words to change are not in the vectors"
            + (f", such as {missing[0]!r}" if missing else ""),
            allowed="at least one word, all of them in the vectors",
        )
