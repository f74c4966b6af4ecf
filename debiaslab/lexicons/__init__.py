"""Word lists with citation, licence, version and a tune / report split; association tests.

Examples:
    >>> from debiaslab.lexicons import association_test, load
    >>> load("career").words[0]
    'executive'
    >>> association_test("7").half("tune").X
    ('geometry', 'calculus', 'computation', 'numbers')
"""

from debiaslab.lexicons.association import (
    OBJECTIVE_TESTS,
    AssociationTest,
    WordSets,
    association_test,
    association_tests,
)
from debiaslab.lexicons.gender import gender_words, report_words, tune_words
from debiaslab.lexicons.load import (
    Lexicon,
    PairLexicon,
    Profession,
    load,
    load_pairs,
    names,
    pair_names,
    professions,
    versions,
)
from debiaslab.lexicons.split import SALT, Half, SplitHalf, half_of, half_of_pair

__all__ = [
    "OBJECTIVE_TESTS",
    "SALT",
    "AssociationTest",
    "Half",
    "Lexicon",
    "PairLexicon",
    "Profession",
    "SplitHalf",
    "WordSets",
    "association_test",
    "association_tests",
    "gender_words",
    "half_of",
    "half_of_pair",
    "load",
    "load_pairs",
    "names",
    "pair_names",
    "professions",
    "report_words",
    "tune_words",
    "versions",
]
