"""Words and one float32 matrix: what training makes, every metric reads, and vector files hold."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from debiaslab.errors import UserError, nearest, require_known
from debiaslab.system.files import check_output, replacing
from debiaslab.vectors import arrays, keyed, word2vec
from debiaslab.vectors.files import HEAD, reading, sniff
from debiaslab.vectors.table import BadWords, Rows, Wanted, first_not_finite, refuse_unholdable
from debiaslab.vectors.words import equivalent, falling, order_warning, written_in

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

Format = Literal["word2vec", "bin", "kv", "npz"]
FORMATS: tuple[Format, ...] = get_args(Format)

_BY_ENDING: dict[str, Format] = {".txt": "word2vec", ".bin": "bin", ".kv": "kv", ".npz": "npz"}
_WRITERS = {
    "word2vec": word2vec.write_text,
    "bin": word2vec.write_binary,
    "kv": keyed.write,
    "npz": arrays.write_npz,
}

_BLOCK = 1 << 14


def _is_frozen(array: object) -> bool:
    """Whether an array and everything it is a view of are read-only."""
    if not isinstance(array, np.ndarray):
        return False
    owner: object = array
    while isinstance(owner, np.ndarray):
        if owner.flags.writeable:
            return False
        owner = owner.base
    return owner is None or isinstance(owner, bytes)


def units(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return rows scaled to length 1, in float64; an all-zero row stays zero."""
    rows = rows.astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: NDArray[np.float64] = rows / np.where(lengths > 0, lengths, 1.0)
    return unit


class Embeddings:
    """An immutable vocabulary with one vector a word.

    Args:
        words: ``V`` distinct words, usually by falling frequency.
        vectors: Array of shape ``(V, d)``; copied to float32 and made read-only. A float32 array
            that nobody can write to any more (read-only, with all that it is a view of) is kept
            without a copy.

    Raises:
        UserError: The shapes disagree, a word is repeated, or a value is NaN or infinite (also as
            float32).
    """

    def __init__(self, words: Sequence[str], vectors: NDArray[np.floating]) -> None:
        with np.errstate(over="ignore"):  # becomes infinity, which is refused below
            matrix = np.array(
                vectors, dtype=np.float32, order="C", copy=None if _is_frozen(vectors) else True
            )
        if matrix.ndim != 2 or len(words) != len(matrix):
            raise UserError(
                f"{len(words)} words came with vectors of shape {matrix.shape}",
                allowed="one row of one length for each word",
            )
        bad = first_not_finite(matrix)
        if bad is not None:
            raise UserError(
                f"the vector of {words[bad]!r} holds NaN or infinity",
                next_step="train again with a smaller --lr or a smaller λ",
            )
        matrix.flags.writeable = False
        self.words: tuple[str, ...] = tuple(words)
        self.vectors: NDArray[np.float32] = matrix
        self.index: dict[str, int] = {word: i for i, word in enumerate(self.words)}
        if len(self.index) != len(self.words):
            twice = next(word for i, word in enumerate(self.words) if self.index[word] != i)
            raise UserError(
                f"the word {twice!r} appears twice in the vectors", allowed="distinct words"
            )

    @classmethod
    def load(
        cls,
        path: str | Path,
        words: str | Path | Sequence[str] | None = None,
        *,
        bad_words: BadWords = "refuse",
        frequencies: Mapping[str, float] | None = None,
    ) -> Embeddings:
        """Read vectors of any of the formats, known by what the file holds, whatever its name.

        Text may lack the word2vec header (GloVe), and every format may be gzipped. A native gensim
        file is a pickle: it is read by an interpreter of the format that can build nothing but the
        arrays, lists and strings of a ``KeyedVectors``, so that a file from a stranger runs no
        code.

        Args:
            words: For a bare ``.npy`` array only: its words, or the path of a file with one a line.
                Without it ``vectors.npy`` takes them from ``vectors.words.txt``, ``vectors.words``,
                ``vectors.vocab`` or ``vectors.txt``.
            bad_words: ``"skip"`` leaves out, with a warning that counts them, words that are not
                UTF-8, repeat an earlier word, or hold a space in a text file; ``"refuse"`` raises.
            frequencies: How often words occur (see ``read_frequencies``). By them, else by the
                counts that the file has (gensim's, fastText's, an array ``counts``, a vocabulary
                beside a bare array), the rows are put in order, frequent words first; else they
                stay.

        Raises:
            UserError: The file is missing, a directory, empty, cut short, not a vector file, asks
                to unpickle anything else, or holds NaN, a bad word or a row of the wrong length.
        """
        return cls(*_rows_of(Path(path), words, Wanted(bad_words, frequencies)))

    def save(self, path: str | Path, format: str | None = None) -> Path:
        """Write vectors atomically and return the path.

        Args:
            path: Where to write; ``.txt``, ``.bin``, ``.kv`` or ``.npz`` names the format.
            format: One of ``FORMATS``, in place of the ending: ``word2vec`` (text), ``bin``
                (word2vec binary), ``kv`` (what gensim's ``KeyedVectors.load`` reads) or ``npz`` (no
                pickle).

        Raises:
            UserError: The format is unknown, it cannot hold a word (``word2vec`` and ``bin`` end a
                word at a space), there are no words, or the file cannot be written.
        """
        path = Path(path)
        kind = _format_of(path, format)
        if not len(self):
            raise UserError(f"there are no words to write to {path}", allowed="one word or more")
        if kind in ("word2vec", "bin"):
            refuse_unholdable(self.words, path)
        with replacing(path) as temporary:
            _WRITERS[kind](self.words, self.vectors, temporary)
        return path

    @classmethod
    def from_keyed_vectors(cls, keyed: KeyedVectors) -> Embeddings:
        """Copy the words and vectors of gensim's ``KeyedVectors``, by its counts if it has some."""
        counts = keyed.expandos.get("count")
        order = None if counts is None else falling(counts)
        if order is None:
            return cls(keyed.index_to_key, keyed.vectors)
        return cls([keyed.index_to_key[row] for row in order], keyed.vectors[order])

    def to_keyed_vectors(self) -> KeyedVectors:
        """Return a copy as gensim's ``KeyedVectors``, in the same order."""
        return keyed.keyed_vectors(self.words, self.vectors)

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and equivalent(self.index, word) is not None

    def __getitem__(self, word: str) -> NDArray[np.float32]:
        return self.vectors[self.index[self._known(word)]]

    def __repr__(self) -> str:
        return f"Embeddings({len(self):,} words, dimension {self.dim})"

    @property
    def dim(self) -> int:
        """Length ``d`` of each vector."""
        return self.vectors.shape[1]

    @cached_property
    def unit(self) -> NDArray[np.float32]:
        """The vectors scaled to length 1, shape ``(V, d)``; an all-zero vector stays zero.

        Lengths are taken in float64, where no float32 overflows or underflows when squared.
        """
        unit = np.empty_like(self.vectors)
        for start in range(0, len(self), _BLOCK):
            unit[start : start + _BLOCK] = units(self.vectors[start : start + _BLOCK])
        unit.flags.writeable = False
        return unit

    def split(self, words: Iterable[str]) -> tuple[list[str], list[str]]:
        """Return ``(found, missing)``, each as and in the order given."""
        found: list[str] = []
        missing: list[str] = []
        for word in words:
            (found if word in self else missing).append(word)
        return found, missing

    def lookup(self, word: str) -> str | None:
        """Return ``word`` as the vocabulary writes it (see ``written_in``), or None."""
        if word in self.index:  # nearly always
            return word
        if word not in self._written:
            self._written[word] = written_in(self.index, word)
        return self._written[word]

    @cached_property
    def _written(self) -> dict[str, str | None]:
        """What was looked up and is written otherwise, or not there: a scorecard asks often."""
        return {}

    def order_warning(self) -> str | None:
        """Return why the words are not in the order of frequency; None where nothing says so."""
        return order_warning(self.words, self.index)

    def rows(self, words: Iterable[str]) -> NDArray[np.float32]:
        """Return the unit vectors of ``words``, shape ``(n, d)``; every word must be known."""
        return self.unit[[self.index[self._known(word)] for word in words]]

    def cosine(self, word1: str, word2: str) -> float:
        """Return the cosine of two known words, in [−1, 1] (0 for an all-zero vector)."""
        value = float(self.rows([word1])[0] @ self.rows([word2])[0])
        return max(-1.0, min(1.0, value))

    def neighbors(self, word: str, n: int = 10) -> list[tuple[str, float]]:
        """Return the ``n`` words with the highest cosine to ``word``, without ``word`` itself.

        Equal cosines stand in the order of the vocabulary.

        Raises:
            UserError: The word is unknown, or ``n`` is less than 1.
        """
        if n < 1:
            raise UserError(f"{n} neighbours were asked for", allowed="1 or more")
        row = self.index[self._known(word)]
        cosines = self.unit @ self.unit[row]
        cosines[row] = -np.inf
        n = min(n, len(self) - 1)
        if n == 0:
            return []
        least = np.partition(cosines, -n)[-n]
        near = np.flatnonzero(cosines >= least)
        top = near[np.argsort(-cosines[near], kind="stable")][:n]
        return [(self.words[i], float(np.clip(cosines[i], -1.0, 1.0))) for i in top]

    def _known(self, word: str) -> str:
        if (known := equivalent(self.index, word)) is not None:
            return known
        close = (known for known in self.words if abs(len(known) - len(word)) <= 2)
        raise UserError(
            f"the word {word!r} is not among the {len(self):,} words of these vectors",
            nearest=self.lookup(word) or nearest(word, close),
        )


def check_writable(path: str | Path, format: str | None = None) -> None:
    """Raise, before hours of training, the `UserError` that writing to ``path`` would raise."""
    _format_of(Path(path), format)
    check_output(path)


def _rows_of(path: Path, words: str | Path | Sequence[str] | None, wanted: Wanted) -> Rows:
    with reading(path) as stream:
        head = stream.read(HEAD)
        stream.seek(0)
        kind = sniff(head, path)
        if kind == "npy":
            return arrays.read_bare(
                path, arrays.words_beside(path) if words is None else words, wanted
            )
        if words is not None:
            raise UserError(
                f"{path} has its own words, so that words cannot be given for it",
                allowed="words for a bare .npy array",
            )
        if kind == "npz":
            return arrays.read_npz(stream, path, wanted)
        if kind == "pickle":
            return keyed.read(stream, path, wanted, compressed=isinstance(stream, gzip.GzipFile))
        if kind == "bin":
            return word2vec.read_binary(stream, path, wanted)
        if kind == "fasttext":
            return word2vec.read_fasttext(stream, path, wanted)
        return word2vec.read_text(stream, path, wanted, header=kind == "word2vec")


def _format_of(path: Path, format: str | None) -> Format:
    if format is not None:
        require_known(format, FORMATS, f"unknown vector format {format!r}")
        return cast(Format, format)
    ending = path.suffix.lower()
    if ending in _BY_ENDING:
        return _BY_ENDING[ending]
    raise UserError(
        f"the ending {ending!r} of {path} names no vector format"
        if ending
        else f"{path} has no ending that names a vector format",
        allowed=", ".join(_BY_ENDING),
        nearest=nearest(ending, _BY_ENDING),
        next_step=f"{path.stem}.kv",
    )
