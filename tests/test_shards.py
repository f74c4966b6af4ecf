"""A corpus in shards, built in parts, is the corpus in one piece; training streams its shards."""

import gzip
import subprocess
import sys
from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from debiaslab.corpus import Corpus, CorpusSettings, encoding, reading
from debiaslab.corpus import cache as entries
from debiaslab.corpus.reading import FileSource
from debiaslab.corpus.stream import Shards, read_ids
from debiaslab.errors import UserError
from debiaslab.sgns import TrainSettings, train
from tests.toys import toy_text

CUTS = (0, 700, 701, 2_000, 10_000)  # lines at which a text is cut into files


def written(
    folder: Path, lines: list[str], cuts: tuple[int, ...] = CUTS
) -> tuple[Path, list[Path]]:
    """The same text in one file, and in several."""
    whole = folder / "whole.txt"
    whole.write_text("".join(lines))
    files = []
    for i, (begin, end) in enumerate(zip(cuts, (*cuts[1:], len(lines)), strict=True)):
        files.append(folder / f"part-{i}.txt")
        files[-1].write_text("".join(lines[begin:end]))
    return whole, [file for file in files if file.stat().st_size]


def same(one: Corpus, other: Corpus) -> bool:
    """Whether two corpora are the same byte for byte, whatever their files are called."""
    assert np.array_equal(one.ids, other.ids)
    assert np.array_equal(one.counts, other.counts)
    numbers = ("words", "documents", "tokens", "raw_tokens", "raw_types", "unk", "fingerprint")
    return all(getattr(one, name) == getattr(other, name) for name in numbers)


@pytest.fixture
def lines() -> list[str]:
    return toy_text(2_500, seed=3).splitlines(keepends=True)


@pytest.mark.parametrize(
    ("compiled", "rare", "phrases"),
    [(False, "drop", False), (False, "unk", True), (True, "unk", False), (True, "drop", True)],
)
def test_shards_are_the_text_in_one_piece(tmp_path, lines, monkeypatch, compiled, rare, phrases):
    monkeypatch.setattr(encoding, "SMALL", 0 if compiled else 1 << 40)
    lines[701] = "seldom seen\n"  # a file of rare words only: its shard is empty
    lines[5] = "rare in this file, not in the next\n"
    lines[1_500] = "rare in this file, not in the next\n"
    chosen = CorpusSettings(min_count=2, rare=rare)
    if phrases:
        words = lines[0].split()
        (tmp_path / "mwes.txt").write_text(f"{words[0]} {words[1]}\nin this\n")
        chosen = CorpusSettings(min_count=2, rare=rare, mwes=str(tmp_path / "mwes.txt"))
    whole, files = written(tmp_path, lines, (0, 700, 701, 702, 2_000))
    one = Corpus.build([whole], chosen, cache=tmp_path / "cache", progress=False)
    sharded = Corpus.build(files, chosen, cache=tmp_path / "cache", progress=False)
    assert same(one, sharded)
    assert one.path != sharded.path
    assert isinstance(sharded.ids, Shards)
    assert np.array_equal(one.document_offsets(), sharded.document_offsets())
    shards = sorted(file.name for file in sharded.path.glob("*.i32"))
    assert shards == [f"ids-{i:03}.i32" for i in range(5) if rare == "unk" or i != 2]
    assert {file.name for file in sharded.path.iterdir()} == {
        *(*shards, entries.META, entries.WORDS, entries.COUNTS, entries.CHECKED)
    }


def test_files_beyond_the_limit_are_taken_together(tmp_path, lines, monkeypatch):
    monkeypatch.setattr(encoding, "MOST", 3)
    whole, files = written(tmp_path, lines, (0, 10, 20, 500, 1_200, 1_201, 2_400))
    together = encoding.groups([FileSource(file) for file in files])
    assert [source.file for group in together for source in group] == files
    assert len(together) == 3
    sizes = [sum(source.file.stat().st_size for source in group) for group in together]
    assert max(sizes) < 0.6 * whole.stat().st_size
    sharded = Corpus.build(files, cache=tmp_path / "cache", progress=False)
    assert same(Corpus.build([whole], cache=tmp_path / "cache", progress=False), sharded)
    assert len(list(sharded.path.glob("*.i32"))) == 3


def many(function, items):
    """A mapper that is not the one of a process alone, as that of a cluster is."""
    return [function(item) for item in items]


@pytest.mark.parametrize("ending", ["\n", "", "\r\n"])
def test_a_large_file_is_cut_for_many_workers(tmp_path, lines, monkeypatch, ending):
    monkeypatch.setattr(encoding, "SPAN", 4_000)
    whole = tmp_path / "whole.txt"
    text = (
        "".join(lines[:1_000]) + "ün ëinzelner langer Satz " * 400 + "\n" + "".join(lines[1_000:])
    )
    whole.write_bytes(reading.BOM + text.rstrip("\n").encode() + ending.encode())
    one = Corpus.build([whole], cache=tmp_path / "one", progress=False)
    cut = Corpus.build([whole], cache=tmp_path / "cut", progress=False, mapper=many)
    assert same(one, cut)
    assert one.path.name == cut.path.name
    shards = list(cut.path.glob("*.i32"))
    assert 0.5 < len(shards) * encoding.SPAN / whole.stat().st_size < 1.5
    monkeypatch.setattr(encoding, "MOST", 5)
    fewer = Corpus.build([whole], cache=tmp_path / "fewer", progress=False, mapper=many)
    assert same(one, fewer)
    assert len(list(fewer.path.glob("*.i32"))) <= 5


def test_a_packed_file_is_not_cut(tmp_path, lines, monkeypatch):
    monkeypatch.setattr(encoding, "SPAN", 100)
    packed = tmp_path / "text.txt.gz"
    packed.write_bytes(gzip.compress("".join(lines).encode()))
    source = FileSource(packed)
    assert encoding.cut([source]) == [source]


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="añ \n", min_size=1, max_size=60), st.integers(1, 40))
def test_spans_are_the_lines_of_a_file(tmp_path_factory, text, length):
    path = tmp_path_factory.mktemp("spans") / "text.txt"
    data = text.encode()
    path.write_bytes(data)
    spans = reading.line_spans(path, length)
    assert b"".join(data[begin:end] for begin, end in spans) == data
    assert all(begin < end for begin, end in spans)
    assert all(data[end - 1 : end] == b"\n" for _, end in spans[:-1])
    read = ["".join(block.text for block in reading.read_blocks(path, span)) for span in spans]
    # a block ends with a line feed of its own, which closes the last line
    assert "".join(piece.removesuffix("\n") for piece in read) == text


def test_an_error_in_a_span_names_the_line_of_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(encoding, "SPAN", 1_000)
    path = tmp_path / "text.txt"
    path.write_bytes(b"a line of text\n" * 500 + b"caf\xe9\n" + b"and more\n" * 100)
    said = []
    for mapper in (encoding.in_turn, many):
        with pytest.raises(UserError, match=r"line 501 \(byte 7,503 of the text\)") as refused:
            Corpus.build([path], cache=tmp_path / "cache", progress=False, mapper=mapper)
        said.append(str(refused.value))
    assert said[0] == said[1]


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_shards_train_to_the_same_vectors(tmp_path, lines, engine):
    whole, files = written(tmp_path, lines)
    chosen = TrainSettings(dim=8, epochs=2, engine=engine)
    one, sharded = (
        train(Corpus.build(paths, cache=tmp_path / "cache", progress=False), chosen, progress=False)
        for paths in ([whole], files)
    )
    assert one.pairs > 0
    assert np.array_equal(one.embeddings.vectors, sharded.embeddings.vectors)


def test_a_damaged_shard_is_noticed(tmp_path, lines):
    _, files = written(tmp_path, lines)
    first = Corpus.build(files, cache=tmp_path / "cache", progress=False)
    ids = np.array(first.ids)
    shard = first.path / "ids-001.i32"
    swapped = np.fromfile(shard, dtype="<i4")
    swapped[[0, 1]] = swapped[[1, 0]]
    assert swapped[0] != swapped[1]
    swapped.tofile(shard)
    with pytest.warns(UserWarning, match="damaged.*ids-001"):
        again = Corpus.build(files, cache=tmp_path / "cache", progress=False)
    assert np.array_equal(again.ids, ids)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.data())
def test_reading_shards_is_reading_an_array(sizes, data):
    ids = np.arange(sum(sizes), dtype=np.int32)
    shards = Shards(np.split(ids, list(accumulate(sizes))[:-1]))
    start = data.draw(st.integers(0, len(ids) + 2))
    stop = data.draw(st.integers(0, len(ids) + 2))
    assert np.array_equal(read_ids(shards, start, stop), ids[start:stop])
    begin, end = data.draw(st.tuples(*[st.none() | st.integers(-70, 70)] * 2))
    assert np.array_equal(shards[begin:end], ids[begin:end])
    assert np.array_equal(np.asarray(shards), ids)
    place = data.draw(st.integers(-len(ids), len(ids) - 1))
    assert shards[place] == ids[place]
    with pytest.raises(IndexError):
        shards[len(ids)]
    with pytest.raises(IndexError):
        shards[::2]


@pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="resident memory is read in /proc"
)
def test_a_pass_over_shards_keeps_none_of_them_in_memory(tmp_path):
    """In a process of its own, whose peak is then that of the pass."""
    code = """
import resource, sys
import numpy as np
from debiaslab.corpus.cache import IDS
from debiaslab.corpus.stream import Shards, read_ids
files = [f"{sys.argv[1]}/{i}.i32" for i in range(4)]
for file in files:
    with open(file, "wb") as empty:
        empty.truncate(40_000_000)
ids = Shards([np.memmap(file, IDS, "r") for file in files])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
read = sum(len(read_ids(ids, start, start + 500_001)) for start in range(0, len(ids), 500_001))
print(read, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    read, more = map(int, ran.stdout.split())
    assert read == 40_000_000
    assert more < 30_000  # KiB
