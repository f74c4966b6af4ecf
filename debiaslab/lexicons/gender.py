"""Which words count as gendered, and which neutral words are kept for reporting."""

from __future__ import annotations

from functools import cache

from debiaslab.lexicons.load import load, load_pairs, names, pair_names
from debiaslab.lexicons.split import SplitHalf, half_of

GENDER_LISTS = (
    "gender_specific",
    "male_words",
    "female_words",
    "male_terms",
    "female_terms",
    "male_terms_2",
    "female_terms_2",
    "male_names",
    "female_names",
)


@cache
def gender_words() -> frozenset[str]:
    """Return every word that "non-gender words" leaves out.

    These are the gender-specific words of Bolukbasi et al. (2016), both sides of every gender pair,
    and the gender terms and first names of WEAT. The published gender-specific list holds oddities
    such as *new* and *deer*, so the set is for leaving words out, not for finding gender in text.
    """
    listed = {word for name in GENDER_LISTS for word in load(name).words}
    paired = {word for name in pair_names() for pair in load_pairs(name).pairs for word in pair}
    return frozenset(listed | paired)


@cache
def tune_words() -> frozenset[str]:
    """Return every non-gender word of any lexicon that is in the tune half."""
    return _half("tune")


@cache
def report_words() -> frozenset[str]:
    """Return every non-gender word of any lexicon that is in the report half.

    No penalty with cover ``tune`` or ``vocabulary``, and no objective, may look at these words.
    """
    return _half("report")


def _half(half: SplitHalf) -> frozenset[str]:
    listed = {word for name in names() for word in load(name).words}
    return frozenset(word for word in listed - gender_words() if half_of(word) == half)
