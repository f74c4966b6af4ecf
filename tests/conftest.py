"""The order of the files: two processes share them, and should come to their ends together."""

from __future__ import annotations

from pathlib import Path

import pytest

# Files of few, long tests, which start processes and servers: begun last, one would keep one
# process busy while the other has nothing left.
LONG = [
    *("end_to_end", "workers", "mlflow_ui", "checkpoint", "search_modes", "study_commands"),
    *("notebooks", "fast_engine", "postgres_study", "dask_study", "compare", "study_results"),
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files of ``LONG`` first, in its order."""
    place = {f"test_{name}.py": i for i, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(Path(item.path).name, len(LONG)))
