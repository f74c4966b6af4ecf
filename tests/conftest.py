"""The order of the files, which two processes share, and fixtures of several of them."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from tests import forking
from tests import shared as studies
from tests.shared import Shared

# Files of few, long tests, which start processes and servers: begun last, one would keep one
# process busy while the other has nothing left.
LONG = [
    *("listed_studies", "notebooks", "command_files", "study_commands", "end_to_end", "workers"),
    *("search_modes", "study_results", "compare", "fast_engine", "checkpoint", "bad_input"),
    *("lexicons", "postgres_study", "mlflow_ui", "dask", "store_reading", "bench", "planted"),
    *("store_outage", "tracking", "reproduce", "corpus_phrases"),
]
DRAWN = ("test_report", "test_study_results")


def pytest_configure(config: pytest.Config) -> None:
    """Let Ctrl-C reach what tests start, no test another store, and nobody wait for the disk.

    A shell without job control has what it starts in the background ignore Ctrl-C, and so do
    children.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for variable in ("MLFLOW_TRACKING_URI", "DEBIASLAB_OPTUNA_STORAGE", "FORCE_COLOR"):
        os.environ.pop(variable, None)
    studies.without_the_disk()
    if not hasattr(config, "workerinput"):  # the processes of xdist use that of the first
        forks = forking.server()
        forks.__enter__()
        config.add_cleanup(lambda: forks.__exit__(None, None, None))


@pytest.fixture
def waits_for_the_disk() -> Iterator[None]:
    """Let databases wait, as they do outside of tests."""
    event.remove(Engine, "connect", studies.without_waiting)
    yield
    event.listen(Engine, "connect", studies.without_waiting)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files of ``LONG`` first, in its order."""
    place = {f"test_{name}.py": i for i, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(Path(item.path).name, len(LONG)))


@pytest.fixture(scope="session")
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """What is made once in this run, whichever of its processes needs it."""
    base = tmp_path_factory.getbasetemp()
    root = (base.parent if hasattr(request.config, "workerinput") else base) / "shared"
    root.mkdir(exist_ok=True)
    return Shared(root)


@pytest.fixture(scope="session", autouse=True)
def stores_from_a_template(shared: Shared) -> Iterator[None]:
    """Let new stores of this process begin as copies of an empty one."""
    from debiaslab.tracking import store

    prepare = store.prepare

    def copied(database: Path) -> None:
        if not database.exists():
            shutil.copy(template() / "mlflow.db", database)
        prepare(database)

    @cache
    def template() -> Path:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store, "prepare", prepare)
            return shared.folder("empty", studies.empty_store)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "prepare", copied)
        yield


@pytest.fixture(scope="module", autouse=True)
def quick_pictures(request: pytest.FixtureRequest) -> Iterator[None]:
    """Draw no picture of a study but in tests of them: that takes half of a small study's time."""
    with pytest.MonkeyPatch.context() as patch:
        if Path(request.path).stem not in DRAWN:
            patch.setattr("debiaslab.report.style.png", lambda made: studies.PICTURE)
        yield


@pytest.fixture(scope="session")
def small(shared: Shared) -> Path:
    """A folder with toy.txt and the finished study ``small``, which nobody may change."""
    return shared.folder("small", studies.small)


@pytest.fixture(scope="session")
def builtin(shared: Shared) -> Path:
    """A folder with a finished sweep of the built-in text, which nobody may change."""
    return shared.folder("builtin", studies.builtin)


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def own_small(small: Path, own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a copy of ``small``, which a test may spoil."""
    folder = own_folder / "copy"
    shutil.copytree(small, folder)
    monkeypatch.chdir(folder)
    return folder


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
