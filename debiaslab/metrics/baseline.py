"""The vectors before debiasing: what others are held against, each part measured once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any, TypeVar

from debiaslab.metrics.biased_words import BiasedWords, biased_words
from debiaslab.metrics.yardstick import Yardstick
from debiaslab.vectors.embeddings import Embeddings

_T = TypeVar("_T")


class Baseline:
    """A baseline for one or more calls of ``evaluate``.

    Several sets of vectors against one baseline are faster with one ``Baseline`` than with the bare
    vectors: its nulls and its lipstick tests are then made once. Measuring ``baseline.embeddings``
    with the ``Baseline`` itself gives the scorecard of the baseline alone.

    Args:
        embeddings: The vectors before debiasing.
    """

    def __init__(self, embeddings: Embeddings) -> None:
        self.embeddings = embeddings
        self._measured: dict[Hashable, Any] = {}

    @cached_property
    def yardstick(self) -> Yardstick:
        """Its random words, the fixed yardstick of everything held against it."""
        return Yardstick.of(self.embeddings, "_baseline")

    @cached_property
    def biased(self) -> BiasedWords:
        """Its words in the order of their bias: the labels of the lipstick tests."""
        return biased_words(self.embeddings)

    def once(self, key: Hashable, measure: Callable[[], _T]) -> _T:
        """Return what ``measure`` returned when it was first called with this key."""
        if key not in self._measured:
            self._measured[key] = measure()
        found: _T = self._measured[key]
        return found
