"""Word lists with citation, licence, version and a tune / report split; association tests.

Examples:
    >>> from debiaslab.lexicons import association_test, attribute, load
    >>> load("career").words[0]
    'executive'
    >>> association_test("7").half("tune").X
    ('geometry', 'calculus', 'computation', 'numbers')
    >>> attribute("religion").definitional_sets[0]
    ('judaism', 'christianity', 'islam')
"""

from debiaslab.lexicons.document import LexiconFile
from debiaslab.lexicons.lists import (
    SALT,
    AssociationTest,
    Attribute,
    AttributeWords,
    Half,
    Lexicon,
    PairLexicon,
    SplitHalf,
    WordSets,
    half_of,
    half_of_pair,
)
from debiaslab.lexicons.load import (
    OBJECTIVE_TESTS,
    Profession,
    association_test,
    association_tests,
    attribute,
    attributes,
    load,
    load_file,
    load_pairs,
    names,
    pair_names,
    professions,
    shipped,
    versions,
)
from debiaslab.lexicons.tables import (
    FirstNames,
    first_names,
    gender_words,
    report_words,
    tune_words,
)

__all__ = [
    "OBJECTIVE_TESTS",
    "SALT",
    "AssociationTest",
    "Attribute",
    "AttributeWords",
    "FirstNames",
    "Half",
    "Lexicon",
    "LexiconFile",
    "PairLexicon",
    "Profession",
    "SplitHalf",
    "WordSets",
    "association_test",
    "association_tests",
    "attribute",
    "attributes",
    "first_names",
    "gender_words",
    "half_of",
    "half_of_pair",
    "load",
    "load_file",
    "load_pairs",
    "names",
    "pair_names",
    "professions",
    "report_words",
    "shipped",
    "tune_words",
    "versions",
]
