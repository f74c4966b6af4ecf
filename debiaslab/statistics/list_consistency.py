"""Does each word list of the scorecard measure one bias? Cronbach's α of all of them."""

from __future__ import annotations

from collections.abc import Sequence

from debiaslab.lexicons import Attribute, Half, load, load_pairs
from debiaslab.metrics.cases import DEFINITIONAL_PAIRS, OCCUPATIONS
from debiaslab.metrics.projection import STEREOTYPED
from debiaslab.statistics.consistency import Consistency, internal_consistency
from debiaslab.vectors.embeddings import Embeddings

LISTS = (
    OCCUPATIONS,
    *STEREOTYPED,
    *("career_extended", "family_extended", "math_extended", "science_extended", "arts_extended"),
)
"""The lists that are held against gender words and have enough words to ask."""


def list_consistency(
    embeddings: Embeddings, half: Half = "all", attributes: Sequence[Attribute] = ()
) -> dict[str, Consistency]:
    """Return the internal consistency of each word list, by its name.

    Lists are held against the definitional pairs; the stereotypes of an attribute of two classes
    that has definitional pairs of its own, ``"<attribute> <class>"``, against these.

    Args:
        embeddings: The vectors.
        half: Which half of the words and pairs.
        attributes: A user's.
    """
    pairs = load_pairs(DEFINITIONAL_PAIRS).half(half)
    found = {name: internal_consistency(embeddings, load(name).half(half), pairs) for name in LISTS}
    for attribute in attributes:
        words = attribute.half(half)
        if attribute.binary and attribute.definitional_sets:
            own = [(first, second) for first, second in words.definitional_sets]
            for label, listed in words.stereotypes.items():
                name = f"{attribute.name} {label}"
                found[name] = internal_consistency(embeddings, listed, own)
    return found
