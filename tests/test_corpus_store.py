"""A worker without the corpus fetches it from the study's run, and finds it changed if it is."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from debiaslab.corpus import Corpus
from debiaslab.corpus.corpus import CorpusReference
from debiaslab.errors import UserError
from debiaslab.study.kept import find_corpus, keep_corpus
from debiaslab.tracking import Store
from debiaslab.tracking.names import CORPUS_FOLDER
from tests.test_corpus_reference import TEXT


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


def test_it_is_fetched_and_is_the_same(kept, tmp_path):
    store, study, _, reference, described, ids = kept
    corpus = find_corpus(store, study, reference, tmp_path / "cache")
    assert corpus.describe() == described
    assert np.array_equal(corpus.ids, ids)
    assert corpus.path == tmp_path / "cache" / reference.path.name
    again = find_corpus(store, "no such run", reference, tmp_path / "cache")  # nothing is asked
    assert again.fingerprint == corpus.fingerprint


def test_it_is_kept_once(kept, tmp_path, monkeypatch):
    store, study, _, reference, _, _ = kept
    corpus = find_corpus(store, study, reference, tmp_path / "cache")
    before = store.artifacts(study)
    assert f"{CORPUS_FOLDER}/ids-001.i32" in before
    monkeypatch.setattr(Store, "writer", None)
    keep_corpus(store, study, corpus)
    assert store.artifacts(study) == before


def test_a_study_that_kept_none(kept, tmp_path):
    store, _, bare, reference, _, _ = kept
    with pytest.raises(UserError, match=r"no folder here holds the corpus a\+1 .*has not kept it"):
        find_corpus(store, bare, reference, tmp_path / "cache")


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
