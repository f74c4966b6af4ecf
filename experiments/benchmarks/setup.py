"""What every row shares: the two settings, how often to measure, and on which texts."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

from debiaslab.corpus import Corpus, CorpusSettings
from debiaslab.system.files import replacing

REPOSITORY = Path(__file__).resolve().parents[2]
DATA_VARIABLE = "DEBIASLAB_BENCH_DATA"
SMALL, LARGE = "bios_general.10k.txt.gz", "bios_general.txt.gz"


@dataclass(frozen=True)
class Setting:
    """Hyperparameters that both sides are given."""

    name: str
    dim: int
    window: int
    dynamic: bool
    negatives: int


A = Setting("A", dim=100, window=5, dynamic=True, negatives=5)
B = Setting("B", dim=50, window=2, dynamic=False, negatives=2)


class NoDataError(Exception):
    """The row needs a text that is not there."""


@dataclass(frozen=True)
class Setup:
    """One run of the benchmarks.

    Attributes:
        repeats: Measurements of each side.
        quick: Use the built-in text everywhere, to check the scripts and nothing else.
        work: Folder for encoded and pre-tokenised texts and vectors.
        data: Folder of the two texts; None when there is none.
        patience: Seconds a measurement may wait, and be taken again, for a machine left alone.
    """

    repeats: int
    quick: bool
    work: Path
    data: Path | None
    patience: float = 0.0

    @property
    def cache(self) -> Path:
        """Folder of encoded texts."""
        return self.work / "encoded"

    def small(self) -> list[Path]:
        """Return the text of the words/s rows; the built-in text (no path) without data."""
        return [] if self.quick or self.data is None else [self.data / SMALL]

    def large(self) -> list[Path]:
        """Return the text of 25M tokens.

        Raises:
            NoDataError: There is none.
        """
        if self.quick:
            return []
        if self.data is None:
            raise NoDataError(f"no data: set {DATA_VARIABLE} to a folder with {LARGE}")
        return [self.data / LARGE]

    def unpacked(self) -> Path:
        """Return the text of 25M tokens as a plain file; quick: the tokens of the built-in text.

        Raises:
            NoDataError: There is none.
        """
        if not (source := self.large()):
            return self.tokenized([])
        path = self.work / source[0].name.removesuffix(".gz")
        if not path.exists():
            with replacing(path) as new, gzip.open(source[0], "rb") as text, new.open("wb") as out:
                shutil.copyfileobj(text, out)
        return path

    def start_of_large(self, lines: int) -> list[Path]:
        """Return a text of the first lines of the large one."""
        if not (source := self.large()):
            return []
        path = self.work / f"first-{lines}.txt"
        if not path.exists():
            with replacing(path) as new, gzip.open(source[0], "rb") as text, new.open("wb") as out:
                out.writelines(islice(text, lines))
        return [path]

    def tokenized(self, text: list[Path]) -> Path:
        """Return a file of the same tokens, blank-separated, a document a line: gensim's input."""
        path = self.work / f"{text[0].name if text else 'built-in'}.tokens"
        if not path.exists():
            whole = Corpus.build(text, CorpusSettings(min_count=1), cache=self.cache)
            with replacing(path) as new, new.open("w", encoding="utf-8") as out:
                out.writelines(_documents(whole))
        return path


def find_data() -> Path | None:
    """Return the folder that the environment names, or that stands beside the repository."""
    named = os.environ.get(DATA_VARIABLE)
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data" / "corpora"
    return folder if all((folder / name).is_file() for name in (SMALL, LARGE)) else None


def _documents(corpus: Corpus) -> Iterator[str]:
    offsets = corpus.document_offsets()
    for start, stop in pairwise(offsets):
        yield " ".join(corpus.words[i] for i in corpus.ids[start : stop - 1].tolist()) + "\n"
