"""Making the next item in a thread while the present one is used."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def ahead(
    items: Iterator[Item], between: Callable[[], None] | None = None
) -> Generator[Item, None, None]:
    """Yield ``items`` (none is None), the next of which is made in another thread meanwhile.

    ``between`` is called after an item was made and before the next is begun: the other thread
    rests then. An exception there is raised here, where its item would have come. When this
    generator is closed or an exception ends it, the thread ends with the item that it is making.
    """
    with ThreadPoolExecutor(1, "read-ahead") as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            if between is not None:
                between()
            coming = thread.submit(next, items, None)
            yield item
