"""First names of men and women in pairs of about equal frequency."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from debiaslab.regularizers.swap_words import Pair, names_by_gender, names_of_people


def match_names(index: Mapping[str, int], counts: NDArray[np.int64]) -> list[Pair]:
    """Return pairs of a man's and a woman's name, equally many of the most frequent of each.

    The names intervention of Hall Maudslay et al. (2019, §4) is a bipartite matching by frequency
    and by how specific of a gender a name is. The lists do not tell the latter: names listed for
    both genders stay as they are, and what is left is one number a name. Then the matching with
    the least sum of |log f(m) − log f(w)| is that by rank.

    The rarest names of the side that has more are left over. A matching that could leave out any
    would leave out *john*, *william*, *james* where men are written about most, and with them most
    of what names say about gender (biographies: 89,000 tokens of men's names, 24,000 of women's).

    Args:
        index: Id of each word.
        counts: Tokens of each, shape ``(V,)``.
    """
    men, women = (
        sorted(written(names, index), key=lambda name: (-counts[index[name]], name))
        for names in names_by_gender()
    )
    return list(zip(men, women, strict=False))


def names_in(index: Mapping[str, int]) -> list[str]:
    """Return the names of people that are in a vocabulary."""
    return written(sorted(names_of_people()), index)


def written(names: Iterable[str], index: Mapping[str, int]) -> list[str]:
    """Return names as a vocabulary writes them; those it lacks are left out.

    Where a text keeps its case only *Clara* is a name and *clara* is not.
    """
    cased = any(word != word.lower() for word in index if word != "<UNK>")
    found = (name.capitalize() if cased else name for name in names)
    return [name for name in found if name in index]
