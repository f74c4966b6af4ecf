"""First names, for gender-blind corpora and for swapping names (Hall Maudslay et al. 2019)."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from debiaslab.lexicons.source import source


class FirstNames(NamedTuple):
    """Lower-cased first names, each tuple sorted and without repetition.

    ``male`` and ``female`` are as listed; ``both`` are the names that both of them hold.
    """

    male: tuple[str, ...]
    female: tuple[str, ...]
    both: tuple[str, ...]


@cache
def first_names() -> FirstNames:
    """Return the 2,943 male and 4,997 female first names of the Names Corpus (Kantrowitz 1994)."""
    document = source("first_names")
    male, female = tuple(document["male"]), tuple(document["female"])
    return FirstNames(male, female, tuple(sorted({*male} & {*female})))
