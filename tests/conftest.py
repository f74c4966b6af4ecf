"""The order of the files, which two processes share, and a fixture of several of them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

# Files of few, long tests, which start processes and servers: begun last, one would keep one
# process busy while the other has nothing left.
LONG = [
    *("end_to_end", "workers", "mlflow_ui", "checkpoint", "search_modes", "study_commands"),
    *("notebooks", "fast_engine", "postgres_study", "dask_study", "compare", "study_results"),
]


def pytest_configure() -> None:
    """Let Ctrl-C reach the processes that tests start.

    A shell without job control has what it starts in the background ignore it, and so do children.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files of ``LONG`` first, in its order."""
    place = {f"test_{name}.py": i for i, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(Path(item.path).name, len(LONG)))


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Let torch do tiny products in one thread: waiting for a second takes longer than they do."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
