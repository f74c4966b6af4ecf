"""The cache: used when it fits, made again when it does not, never half there."""

import errno
import hashlib
import json
import os
import resource
import shutil
import warnings

import numpy as np
import pytest

from debiaslab.corpus import Corpus, CorpusSettings, encoding
from debiaslab.corpus import cache as entries
from debiaslab.corpus.reading import FileSource, TextBlock
from debiaslab.errors import UserError
from tests import forking

TEXT = "the cat and the dog and the bird\na dog and a cat\n"


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT * 10)
    return path


@pytest.fixture
def build(text, tmp_path):
    def build(**settings):
        return Corpus.build(
            [text], CorpusSettings(**settings), cache=tmp_path / "cache", progress=False
        )

    return build


def never(*_args, **_kwargs):
    raise AssertionError("the text was read")


def left_in(cache):
    return sorted(path.name for path in cache.iterdir())


def test_a_second_build_reads_no_text_nor_one_of_the_same_text_under_another_name(
    build, text, monkeypatch
):
    first = build()
    moved = text.with_name("moved.txt")
    moved.write_bytes(text.read_bytes())
    monkeypatch.setattr(FileSource, "blocks", never)
    other = Corpus.build([moved], cache=first.path.parent, progress=False)
    assert (other.path, other.name, other.sources) == (first.path, "moved", (str(moved),))
    monkeypatch.setattr(entries, "_sha256", never)
    second = build()
    assert second.path == first.path
    assert second.describe() == first.describe()
    assert second.words == first.words
    assert np.array_equal(second.counts, first.counts)
    assert np.array_equal(second.ids, first.ids)


def test_whatever_shapes_the_ids_gives_another_entry(build, text):
    mwes = text.with_name("mwes.txt")
    mwes.write_text("the cat\na dog\n")
    variants = [{}, {"min_count": 4}, {"rare": "unk"}, {"lowercase": False}, {"mwes": str(mwes)}]
    keys = [build(**variant).path.name for variant in variants]
    mwes.write_text("a dog\n\nThe Cat\n")  # the same phrases
    assert build(mwes=str(mwes)).path.name == keys[-1]
    mwes.write_text("the bat\n")
    keys.append(build(mwes=str(mwes)).path.name)
    text.write_text(TEXT * 9 + TEXT.replace("bird", "bard"))
    keys.append(build().path.name)
    other = text.with_name("other.txt")
    other.write_text("a b a b a b a b a b")
    for files in ([text, other], [other, text]):
        corpus = Corpus.build(files, cache=text.parent / "cache", progress=False)
        keys.append(corpus.path.name)
    assert len(set(keys)) == len(keys)


def swapped(stream):
    """As long as before, and ending as before."""
    ids = np.frombuffer(stream, "<i4").copy()
    ids[1] = ids[0] if ids[1] != ids[0] else ids[2]
    return ids.tobytes()


def meta(files, **changes):
    found = {**json.loads(files[entries.META]), **changes}
    return json.dumps({key: each for key, each in found.items() if each is not None}).encode()


def bats(files):
    return files[entries.WORDS].replace(b"cat", b"bat")


HARMS = {
    "cut ids": lambda files: {entries.STREAM: files[entries.STREAM][:40]},
    "zero ids": lambda files: {entries.STREAM: bytes(len(files[entries.STREAM]))},
    "one id": lambda files: {entries.STREAM: swapped(files[entries.STREAM])},
    "cut words": lambda files: {entries.WORDS: files[entries.WORDS][:-3]},
    "other words": lambda files: {entries.WORDS: bats(files)},
    "other words and their digest": lambda files: {
        entries.WORDS: bats(files),
        entries.META: meta(files, words_sha256=hashlib.sha256(bats(files)).hexdigest()),
    },
    "no counts": lambda files: {entries.COUNTS: None},
    "other counts": lambda files: {entries.COUNTS: files[entries.COUNTS][:-8] + b"\7" * 8},
    "cut meta": lambda files: {entries.META: b"{"},
    "a list as meta": lambda files: {entries.META: b"[]"},
    "older meta": lambda files: {entries.META: meta(files, sizes=None)},
    "another fingerprint": lambda files: {entries.META: meta(files, fingerprint="0" * 64)},
}


@pytest.mark.parametrize("harm", HARMS)
def test_a_damaged_entry_is_made_anew(build, harm):
    first = build()
    ids = first.ids.tolist()
    files = {path.name: path.read_bytes() for path in first.path.iterdir()}
    for name, data in HARMS[harm](files).items():
        if data is None:
            (first.path / name).unlink()
        else:
            (first.path / name).write_bytes(data)
    with pytest.warns(UserWarning, match="damaged.*encoding the text again") as caught:
        again = build()
    assert len(caught) == 1
    assert again.fingerprint == first.fingerprint
    assert again.ids.tolist() == ids
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build()
    assert left_in(first.path.parent) == sorted([first.path.name, entries.MEMO])


def test_a_whole_entry_in_the_place_of_another_is_made_anew(build):
    first, other = build(), build(rare="unk")
    assert first.fingerprint != other.fingerprint
    shutil.rmtree(first.path)
    shutil.copytree(other.path, first.path)
    with pytest.warns(UserWarning, match="another text or other settings.*encoding the text again"):
        assert build().fingerprint == first.fingerprint
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert build().fingerprint == first.fingerprint


def test_an_untouched_stream_is_checked_once(build, monkeypatch):
    first = build()
    os.utime(first.path / entries.STREAM)  # such as a copy of the folder
    assert build().fingerprint == first.fingerprint
    monkeypatch.setattr(entries, "fingerprint_of", never)
    build()


@pytest.mark.parametrize("memo", ["{", "[]", '{"x": 1}', ""])
def test_a_damaged_memo_is_made_anew(build, text, memo):
    first = build()
    file = first.path.parent / entries.MEMO
    file.write_text(memo)
    assert build().path == first.path
    assert str(text) in json.loads(file.read_text())


def test_a_memo_entry_is_believed_only_while_size_and_time_stay(build, text):
    first = build()
    status = text.stat()
    text.write_text((TEXT * 10).replace("bird", "bard"))
    os.utime(text, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert build().fingerprint != first.fingerprint


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, UserError("no")])
def test_an_interrupt_leaves_nothing(build, text, monkeypatch, error):
    def interrupted(self):
        yield TextBlock("some words\n", 10)
        raise error

    monkeypatch.setattr(FileSource, "blocks", interrupted)
    with pytest.raises(error if isinstance(error, type) else type(error)):
        build()
    assert left_in(text.parent / "cache") == [entries.MEMO]


@pytest.mark.parametrize("step", ["number_tokens", "write_stream", "a limit of the system"])
def test_a_full_disk_leaves_nothing(build, text, monkeypatch, step):
    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    text.write_text(TEXT * 20_000)  # 260,000 tokens: a megabyte of ids
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    if hasattr(encoding, step):
        monkeypatch.setattr(encoding, step, full)
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, limits[1]))
    try:
        with pytest.raises(UserError, match="no space left on disk"):
            build()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert left_in(text.parent / "cache") == [entries.MEMO]
    monkeypatch.undo()
    assert build().documents == 40_000


def test_a_cache_that_cannot_be_written(text):
    blocked = text.with_name("blocked")
    blocked.write_text("a file")
    with pytest.raises(UserError, match="cannot write"):
        Corpus.build([text], cache=blocked / "cache", progress=False)


def test_unfinished_folders_of_another_day_are_removed(build, text):
    cache = text.parent / "cache"
    old, new = cache / ".building-old", cache / ".building-new"
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "ids").write_text("x")
    for path in (old / "ids", old):
        os.utime(path, (1e9, 1e9))
    build()
    assert not old.exists()
    assert new.exists()


@pytest.mark.parametrize("whole", [True, False])
def test_the_slower_of_two_builders_takes_what_is_there(build, monkeypatch, whole):
    write_entry = entries.write_entry
    raced: list[Corpus] = []

    def slow(folder, *args):
        monkeypatch.undo()
        raced.append(build())
        if not whole:
            os.truncate(raced[0].path / entries.STREAM, 40)
        write_entry(folder, *args)

    monkeypatch.setattr(entries, "write_entry", slow)
    corpus = build()
    assert corpus.path == raced[0].path
    assert corpus.tokens + corpus.documents == len(corpus.ids)
    assert left_in(corpus.path.parent) == sorted([corpus.path.name, entries.MEMO])


def test_two_processes_at_once(text, tmp_path):
    text.write_text(TEXT * 5_000)
    code = (
        "import sys, warnings; warnings.simplefilter('error'); from debiaslab.corpus import Corpus;"
        "print(Corpus.build([sys.argv[1]], cache=sys.argv[2], progress=False).fingerprint)"
    )
    with (tmp_path / "log").open("w") as log:
        both = [forking.begin(["-c", code, text, tmp_path / "cache"], stdout=log) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    printed = (tmp_path / "log").read_text().split()
    assert len(printed) == 2
    assert len(set(printed)) == 1
    assert len(left_in(tmp_path / "cache")) == 2
