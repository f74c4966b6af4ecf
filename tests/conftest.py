"""The order of the files, which two processes share, and a fixture of several of them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


@pytest.fixture(params=["plain", "compiled"])
def encode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return a function that encodes a text, as small texts are encoded and as large ones are."""
    from debiaslab.corpus import Corpus, CorpusSettings, encoding

    monkeypatch.setattr(encoding, "SMALL", 0 if request.param == "compiled" else 1 << 40)

    def encode(
        text: str | bytes, *, name: str = "text.txt", phrases: str = "", **settings: Any
    ) -> Any:
        path, mwes = tmp_path / name, tmp_path / "mwes.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        if phrases:
            mwes.write_bytes(phrases.encode())
            settings["mwes"] = str(mwes)
        chosen = CorpusSettings(**{"min_count": 1, **settings})
        return Corpus.build([path], chosen, cache=tmp_path / "cache", progress=False)

    return encode


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The toy text, encoded once for all tests that train on it."""
    from tests.toys import toy_corpus

    return toy_corpus(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Let torch do tiny products in one thread: waiting for a second takes longer than they do."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
