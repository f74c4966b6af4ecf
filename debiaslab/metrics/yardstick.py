"""The words that nulls are drawn from, in one set of vectors, and the nulls drawn so far."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from debiaslab.lexicons import gender_words
from debiaslab.metrics.null import RandomWords, random_words
from debiaslab.vectors.embeddings import Embeddings

_T = TypeVar("_T")


@dataclass(frozen=True, eq=False)
class Yardstick:
    """Random words of one set of vectors; a null that was drawn is not drawn again.

    Attributes:
        words: The words to draw from.
        suffix: What follows the names of its numbers: empty in the vectors measured,
            ``"_baseline"`` in those before debiasing.
    """

    words: RandomWords
    suffix: str = ""
    _drawn: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, embeddings: Embeddings, suffix: str = "") -> Yardstick:
        """Draw from the first 10,000 words less every gender word."""
        return cls(random_words(embeddings, gender_words()), suffix)

    def once(self, key: Hashable, draw: Callable[[], _T]) -> _T:
        """Return what ``draw`` returned when it was first called with this key."""
        if key not in self._drawn:
            self._drawn[key] = draw()
        found: _T = self._drawn[key]
        return found

    def named(self, suffix: str) -> Yardstick:
        """Return the same words and nulls under another suffix."""
        return Yardstick(self.words, suffix, self._drawn)
