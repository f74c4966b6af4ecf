"""A corpus is found by its fingerprint, or fetched from where it is kept, checked and cached."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from debiaslab.corpus import Corpus
from debiaslab.corpus import cache as entries
from debiaslab.corpus.corpus import CorpusReference, files_of
from debiaslab.errors import UserError
from debiaslab.study.kept import find_corpus, keep_corpus
from debiaslab.tracking import Store
from debiaslab.tracking.names import CORPUS_FOLDER
from tests import forking

TEXT = "the cat and the dog and the bird\na dog and a cat\n" * 20


@pytest.fixture
def corpus(tmp_path) -> Corpus:
    files = [tmp_path / "a.txt", tmp_path / "b.txt"]
    for file in files:
        file.write_text(TEXT)
    return Corpus.build(files, cache=tmp_path / "there", progress=False)


@pytest.fixture
def reference(corpus) -> CorpusReference:
    """As another process has it."""
    return pickle.loads(pickle.dumps(CorpusReference.of(corpus)))


def never(folder: Path) -> None:
    raise AssertionError("it was fetched")


def same(one: Corpus, other: Corpus) -> bool:
    return one.describe() == other.describe() and np.array_equal(one.ids, other.ids)


def copying(corpus: Corpus, aside: Path):
    """Fetch from a copy, for the entry itself is gone."""
    aside.mkdir()
    for file in files_of(corpus):
        shutil.copy(file, aside)
    shutil.rmtree(corpus.path.parent)
    return lambda folder: [shutil.copy(file, folder) for file in aside.iterdir()]


def test_it_is_found_where_it_is_by_its_fingerprint_or_fetched_once(corpus, reference, tmp_path):
    shared = reference.find_or_fetch(tmp_path / "here", never)
    assert shared.path == corpus.path
    assert same(shared, corpus)
    before, ids = corpus.describe(), np.array(corpus.ids)
    fetch = copying(corpus, tmp_path / "aside")
    assert reference.find(tmp_path / "here") is None
    fetched = reference.find_or_fetch(tmp_path / "here", fetch)
    assert fetched.path.parent == tmp_path / "here"
    assert fetched.describe() == before
    assert np.array_equal(fetched.ids, ids)
    assert same(fetched, reference.find_or_fetch(tmp_path / "here", never))
    (tmp_path / "whole.txt").write_text(TEXT * 2)  # the same text in one file
    other = Corpus.build([tmp_path / "whole.txt"], cache=tmp_path / "there", progress=False)
    found = reference.find_or_fetch(tmp_path / "there", never)
    assert (found.path, found.fingerprint) == (other.path, reference.fingerprint)
    assert found.name == "a+1"


@pytest.mark.parametrize("kind", ["another", "cut short", "without a shard", "interrupted"])
def test_what_is_not_the_corpus_is_refused(corpus, reference, tmp_path, kind):
    aside = tmp_path / "aside"
    if kind == "another":
        (tmp_path / "other.txt").write_text(TEXT.replace("bird", "bard"))
        other = Corpus.build([tmp_path / "other.txt"], cache=tmp_path / "there", progress=False)
        fetch = copying(other, aside)
    else:
        fetch = copying(corpus, aside)
        shard = aside / "ids-001.i32"
        if kind == "cut short":
            shard.write_bytes(shard.read_bytes()[:-8])
        elif kind == "without a shard":
            shard.unlink()
        else:
            fetch = interrupted
    error = KeyboardInterrupt if kind == "interrupted" else UserError
    with pytest.raises(error, match=None if error is KeyboardInterrupt else "fetched"):
        reference.find_or_fetch(tmp_path / "here", fetch)
    left = [path.name for path in (tmp_path / "here").iterdir()]
    assert left == [f".fetching-{reference.fingerprint[:12]}"]


def interrupted(folder: Path) -> None:
    (folder / entries.META).write_text("{")
    raise KeyboardInterrupt


def test_of_two_processes_one_fetches(corpus, reference, tmp_path):
    copying(corpus, tmp_path / "aside")
    (tmp_path / "reference").write_bytes(pickle.dumps(reference))
    code = """
import pickle, shutil, sys, time
from pathlib import Path
here = Path(sys.argv[1])
def fetch(folder):
    print("fetched")
    time.sleep(0.5)
    for file in (here / "aside").iterdir():
        shutil.copy(file, folder)
reference = pickle.loads((here / "reference").read_bytes())
assert reference.find_or_fetch(here / "cache", fetch).fingerprint == reference.fingerprint
"""
    with (tmp_path / "log").open("w") as log:
        both = [forking.begin(["-c", code, tmp_path], stdout=log) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert (tmp_path / "log").read_text().split() == ["fetched"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A store with a study that kept its corpus, whose own folder is gone."""
    folder = tmp_path_factory.mktemp("kept")
    files = [folder / "a.txt", folder / "b.txt"]
    for file in files:
        file.write_text(TEXT)
    corpus = Corpus.build(files, cache=folder / "there", progress=False)
    store = Store.open(folder / "mlruns")
    study = store.study("s", create=True, params={}, tags={}, description="")
    bare = store.study("bare", create=True, params={}, tags={}, description="")
    keep_corpus(store, study, corpus)
    described, ids = corpus.describe(), np.array(corpus.ids)
    shutil.rmtree(folder / "there")
    return store, study, bare, CorpusReference.of(corpus), described, ids


def test_a_study_keeps_it_once_and_it_is_fetched_from_there(kept, tmp_path, monkeypatch):
    store, study, bare, reference, described, ids = kept
    with pytest.raises(UserError, match=r"no folder here holds the corpus a\+1 .*has not kept it"):
        find_corpus(store, bare, reference, tmp_path / "cache")
    corpus = find_corpus(store, study, reference, tmp_path / "cache")
    assert corpus.describe() == described
    assert np.array_equal(corpus.ids, ids)
    assert corpus.path == tmp_path / "cache" / reference.path.name
    again = find_corpus(store, "no such run", reference, tmp_path / "cache")  # nothing is asked
    assert again.fingerprint == corpus.fingerprint
    before = store.artifacts(study)
    assert f"{CORPUS_FOLDER}/ids-001.i32" in before
    monkeypatch.setattr(Store, "writer", None)
    keep_corpus(store, study, corpus)
    assert store.artifacts(study) == before


def test_one_that_changed_in_the_store_is_refused(kept, tmp_path):
    store, study, _, reference, _, _ = kept
    shard = store.artifact(study, f"{CORPUS_FOLDER}/ids-000.i32")
    ids = shard.read_bytes()
    shard.write_bytes(ids[4:8] + ids[:4] + ids[8:])
    assert shard.read_bytes() != ids
    with pytest.raises(UserError, match=r"fetched is damaged.*fingerprint"):
        find_corpus(store, study, reference, tmp_path / "cache")
    shard.write_bytes(ids)
    assert list((tmp_path / "cache").glob("[!.]*")) == []
