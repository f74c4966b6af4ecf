"""Metrics along the direction that pairs of words give: direct bias, projection, RIPA."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError, nearest
from debiaslab.metrics.cases import Case
from debiaslab.metrics.gender_direction import FoundPairs, Method, gender_direction, pair_turn
from debiaslab.metrics.measured import FLOAT32_NOISE, Measured, NotMeasuredError
from debiaslab.metrics.vocabulary import unit_rows
from debiaslab.metrics.word_metric import Look, Score, mean_size, metric
from debiaslab.vectors.embeddings import Embeddings

Array = NDArray[np.float64]
Relation = Literal["pca", "mean"]


def _pairs_of(result: Measured, case: Case) -> Mapping[str, Any]:
    return {"pairs": result.pairs}


def _turn(embeddings: Embeddings, case: Case) -> Mapping[str, float | str | None]:
    """Say without which pair the direction turns furthest, see ``pair_turn``."""
    turn = pair_turn(embeddings, case.against)  # type: ignore[arg-type]
    return {
        "pair_distance": None if turn is None else turn.distance,
        "turn_pair": None if turn is None else "/".join(turn.pair),
        "turn_degrees": None if turn is None else turn.degrees,
    }


@metric(
    "direct_bias",
    title="direct bias",
    citation="Bolukbasi et al. 2016, NeurIPS, section 5.2",
    against="direction",
    better="lower",
    family="geometry",
    extra=_pairs_of,
    beside=_turn,
)
def direct_bias(
    embeddings: Embeddings, pairs: FoundPairs, *, c: float = 1.0, method: Method = "pca"
) -> Score:
    """Mean of ``|cos(w, g)|^c`` over words, ``g`` the direction that definitional pairs give.

    ``c`` is the strictness, 1 in the paper; ``method`` how ``g`` is made, see
    ``gender_direction``. A result has ``pairs``, how many have both words.
    """
    direction = gender_direction(embeddings, pairs, method=method)
    return lambda rows: np.abs(rows @ direction) ** c


@metric(
    "bias_by_projection",
    title="projection",
    citation="Bolukbasi et al. 2016, NeurIPS, section 5.1",
    against="direction",
    better="near 0",
    family="geometry",
    all_missing=False,
    about=lambda look: _projections(look),
    extra=lambda result, case: {} if case.attribute else {"positive": "male"},
    numbers={"words": (), "projections": ()},
)
def bias_by_projection(
    embeddings: Embeddings, pairs: FoundPairs, *, method: Method = "pca"
) -> Score:
    """Mean of ``cos(w, g)`` over words: positive toward the first words of the pairs.

    The word-level quantity whose size direct bias averages, and on which the tests of Gonen &
    Goldberg (2019) and the factual association build. Exchanging the sides of every pair negates
    every number. A result has ``words`` and their ``projections``.
    """
    direction = gender_direction(embeddings, pairs, method=method)
    return lambda rows: rows @ direction


def _projections(look: Look) -> Mapping[str, Any]:
    places = list(look.places.values())
    return {"words": tuple(look.places), "projections": tuple(look.scores[places].tolist())}


def _signed(look: Look) -> Mapping[str, Any]:
    words = ((word, float(look.scores[place])) for word, place in look.places.items())
    return {"signed": float(look.scores.mean()), "words": tuple(words)}


@metric(
    "ripa",
    title="RIPA",
    citation="Ethayarajh, Duvenaud & Hirst 2019, ACL, section 4",
    against="pairs",
    better="lower",
    value=mean_size,
    unit=False,
    numbers={"signed": None, "words": ()},
    about=_signed,
    extra=lambda result, case: {"signed": result.signed, "pairs": result.pairs},
)
def ripa(
    embeddings: Embeddings, pairs: FoundPairs, *, unit: bool = False, relation: Relation = "pca"
) -> Score:
    """Mean size of ``w · b`` over words, ``b`` the direction that relates the pairs.

    ``unit`` scales every vector to length 1 first: then an association is a cosine. Without, as in
    the paper, it carries the length of the word's vector, and values of two spaces compare only
    where the lengths do. ``relation``: with ``"pca"`` ``b`` is the first principal component of the
    differences (the paper); with ``"mean"`` the associations with every pair's own unit difference
    are averaged (what WEFE does). A result has ``signed``, the mean with its sign (positive: toward
    the first words), ``words`` and their associations, and ``pairs``.
    """
    if relation not in get_args(Relation):
        known = get_args(Relation)
        raise UserError(
            f"unknown relation {relation!r} for RIPA",
            allowed=", ".join(known),
            nearest=nearest(relation, known),
        )
    if not pairs.rows:
        raise NotMeasuredError(f"0 of {len(pairs.pairs)} pairs have both words in the vectors")
    first, second = (_vectors(embeddings, side, unit) for side in zip(*pairs.distinct, strict=True))
    direction = relation_vector(first - second, relation)
    return lambda rows: rows @ direction


ripa_normalised = ripa.variant("ripa_normalised", title="RIPA, normalised", unit=True)


def _vectors(embeddings: Embeddings, rows: tuple[int, ...], unit: bool) -> Array:
    if unit:
        return unit_rows(embeddings, rows)
    raw: Array = embeddings.vectors[list(rows)].astype(np.float64)
    return raw


def relation_vector(differences: Array, relation: Relation = "pca") -> Array:
    """Return the relation vector of differences ``x − y``, shape ``(pairs, d)``.

    ``"pca"``: of length 1, pointing as the mean difference does. ``"mean"``: the mean of the unit
    differences, not of length 1, so that a product with it is the mean of the products.

    Raises:
        NotMeasuredError: The words of the pairs do not differ.
    """
    lengths = np.linalg.norm(differences, axis=1)
    if (lengths <= FLOAT32_NOISE * max(1.0, float(lengths.max()))).any():
        raise NotMeasuredError("the two words of a pair have the same vector")
    if relation == "mean":
        return np.asarray((differences / lengths[:, None]).mean(axis=0))
    _, _, axes = np.linalg.svd(differences, full_matrices=False)
    sign = -1.0 if float(axes[0] @ differences.mean(axis=0)) < 0 else 1.0
    return np.asarray(sign * axes[0])
