"""What turns text into provisional numbers: ``plain`` in Python, ``compiled`` for large texts."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from debiaslab.corpus.reading import Block


class Row(NamedTuple):
    """Numbers of tokens, and how far reading had come."""

    ids: NDArray[np.int32]
    position: int  # bytes of the file (as packed)


class Numbers(Protocol):
    """Numbers tokens in no set order of types; 0 is the end of a document."""

    def __len__(self) -> int:
        """Return how many types have a number."""
        ...

    @property
    def too_long(self) -> int:
        """How many tokens were left out because they are longer than a word may be."""
        ...

    @property
    def words(self) -> list[str]:
        """The types by number; the first stands for the end of a document."""
        ...

    def rows(self, blocks: Iterator[Block]) -> Generator[Row, None, None]:
        """Yield the numbers of the tokens of ``blocks``, which are prepared; phrases merged."""
        ...
