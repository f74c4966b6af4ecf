"""Which words count as gendered, and which neutral words are kept for reporting."""

from __future__ import annotations

from functools import cache

from debiaslab.lexicons.load import load, load_pairs, names, pair_names
from debiaslab.lexicons.occupation_women import load_occupation_women, occupation_women_names
from debiaslab.lexicons.sembias import load_sembias
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
    """Return every word of any list that is in the tune half, no gender word and no name.

    Names of people are no neutral words that a penalty should act on because a list holds them: a
    list of names adds none of its words, here and in `report_words`. A word that another list
    holds as well (*rose*, a flower) is that list's word.
    """
    return _half("tune")


@cache
def report_words() -> frozenset[str]:
    """Return every word of any list that is in the report half, no gender word and no name.

    No penalty with cover ``tune`` or ``vocabulary``, and no objective, may look at these words.
    """
    return _half("report")


def _half(half: SplitHalf) -> frozenset[str]:
    lists = [load(name) for name in names()]
    listed = {word for lexicon in lists if not lexicon.people for word in lexicon.words}
    # words of metrics that read no list: the scorecard says of them too what was unseen
    listed |= {
        word
        for name in occupation_women_names()
        for word in load_occupation_women(name).half("all")
    }
    listed |= {word for row in load_sembias().rows for word in row.stereotype}
    return frozenset(word for word in listed - gender_words() if half_of(word) == half)
