"""Which scripts the tokens of a corpus are written in: a look at how the text was cut."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import islice

from debiaslab.corpus.corpus import Corpus
from debiaslab.corpus.mapped import read_ids

_SAMPLE = 12  # tokens shown
MIXED = "several in one token"


@dataclass(frozen=True)
class ScriptCounts:
    """Tokens of the vocabulary by script.

    Attributes:
        tokens: By name of the script (``Latin``, ``Devanagari``), the most frequent first; letters
            of several scripts in one token are under ``MIXED``, tokens without letters nowhere.
        odd: The most frequent tokens that are not wholly in the most frequent script.
    """

    tokens: dict[str, int]
    odd: tuple[str, ...]

    @property
    def odd_share(self) -> float:
        """Share of the tokens with letters that are not wholly in the most frequent script."""
        counts = list(self.tokens.values())
        return sum(counts[1:]) / sum(counts) if counts else 0.0


def script_counts(corpus: Corpus) -> ScriptCounts:
    """Count the tokens of a corpus by the script of their letters."""
    scripts = [None if i == corpus.unk else _script(word) for i, word in enumerate(corpus.words)]
    tokens: Counter[str] = Counter()
    for script, count in zip(scripts, corpus.counts.tolist(), strict=True):
        if script is not None:
            tokens[script] += count
    ordered = dict(tokens.most_common())
    usual = (None, *list(ordered)[:1])
    odd = (word for word, script in zip(corpus.words, scripts, strict=True) if script not in usual)
    return ScriptCounts(ordered, tuple(islice(odd, _SAMPLE)))


def first_tokens(corpus: Corpus) -> tuple[str, ...]:
    """Return the first tokens of a corpus that are in its vocabulary."""
    ids = read_ids(corpus.ids, 0, 2 * _SAMPLE).tolist()
    return tuple(corpus.words[i] for i in ids if i >= 0)[:_SAMPLE]


def _script(word: str) -> str | None:
    """Return the script of the letters of ``word``; None when it has no letter."""
    if word.isascii():
        return None if word.strip("0123456789_$.") == "" else "Latin"
    found = {script for character in word if (script := _script_of(character)) is not None}
    return MIXED if len(found) > 1 else next(iter(found), None)


@cache
def _script_of(character: str) -> str | None:
    """Return the script of a letter by its name in Unicode; None for digits, marks and signs."""
    if not unicodedata.category(character).startswith("L"):
        return None
    name = unicodedata.name(character, "Unnamed")
    return name.split()[0].capitalize()
