"""The two calls of this room: ``write`` chooses a format by the ending, ``read`` by the content."""

from __future__ import annotations

import gzip
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

from debiaslab.errors import UserError, nearest
from debiaslab.system.atomic import replacing
from debiaslab.vectors import fasttext, keyed, numpy_zip, word2vec_binary, word2vec_text
from debiaslab.vectors.bare_numpy import read_bare, words_beside
from debiaslab.vectors.embeddings import Embeddings
from debiaslab.vectors.files import reading
from debiaslab.vectors.sniff import HEAD, sniff
from debiaslab.vectors.words import BadWords, Wanted, refuse_unholdable

Format = Literal["word2vec", "bin", "kv", "npz"]
FORMATS: tuple[Format, ...] = get_args(Format)

_BY_ENDING: dict[str, Format] = {".txt": "word2vec", ".bin": "bin", ".kv": "kv", ".npz": "npz"}
_WRITERS = {
    "word2vec": word2vec_text.write,
    "bin": word2vec_binary.write,
    "kv": keyed.write,
    "npz": numpy_zip.write,
}


def write(embeddings: Embeddings, path: str | Path, format: str | None = None) -> Path:
    """Write vectors atomically and return the path.

    Args:
        embeddings: ``V`` words with vectors of shape ``(V, d)``, ``V ≥ 1``.
        path: Where to write; ``.txt``, ``.bin``, ``.kv`` or ``.npz`` names the format.
        format: One of ``FORMATS``, in place of the ending: ``word2vec`` (text), ``bin`` (word2vec
            binary), ``kv`` (what gensim's ``KeyedVectors.load`` reads) or ``npz`` (no pickle).

    Raises:
        UserError: The format is unknown, it cannot hold a word (``word2vec`` and ``bin`` end a
            word at a space), there are no words, or the file cannot be written.
    """
    path = Path(path)
    kind = _format_of(path, format)
    if not len(embeddings):
        raise UserError(f"there are no words to write to {path}", allowed="one word or more")
    if kind in ("word2vec", "bin"):
        refuse_unholdable(embeddings.words, path)
    with replacing(path) as temporary:
        _WRITERS[kind](embeddings, temporary)
    return path


def check_writable(path: str | Path, format: str | None = None) -> None:
    """Refuse at once, before hours of training, a path that ``write`` would refuse.

    Raises:
        UserError: The format is unknown, or the path is a directory or in a folder that cannot be
            written.
    """
    path = Path(path)
    _format_of(path, format)
    if path.is_dir():
        raise UserError(f"{path} is a directory", allowed="a file to write")
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(
            f"cannot write {path}: {folder} is no folder that you may write to",
            allowed="a path in a folder you may write to",
        )


def read(
    path: str | Path,
    words: str | Path | Sequence[str] | None = None,
    *,
    bad_words: BadWords = "refuse",
    frequencies: Mapping[str, float] | None = None,
) -> Embeddings:
    """Read vectors of any of the formats, known by what the file holds, whatever its name.

    Text may lack the word2vec header (GloVe), and every format may be gzipped. A native gensim file
    is a pickle: it is read by an interpreter of the format that can build nothing but the arrays,
    lists and strings of a ``KeyedVectors``, so that a file from a stranger runs no code.

    Args:
        path: The vector file.
        words: For a bare ``.npy`` array only: its words, or the path of a file with one a line.
            Without it ``vectors.npy`` takes them from ``vectors.words.txt``, ``vectors.words``,
            ``vectors.vocab`` or ``vectors.txt``.
        bad_words: ``"skip"`` leaves out, with a warning that counts them, words that are not
            UTF-8, repeat an earlier word, or hold a space in a text file; ``"refuse"`` raises.
        frequencies: How often words occur (see ``read_frequencies``). By them, else by the counts
            that the file has (gensim's, fastText's, an array ``counts``, a vocabulary beside a
            bare array), the rows are put in order, frequent words first; else they stay.

    Raises:
        UserError: The file is missing, a directory, empty, cut short, not a vector file, asks to
            unpickle anything else, or holds NaN, a bad word or a row of the wrong length.
    """
    path, wanted = Path(path), Wanted(bad_words, frequencies)
    with reading(path) as stream:
        head = stream.read(HEAD)
        stream.seek(0)
        kind = sniff(head, path)
        if kind == "npy":
            return read_bare(path, words_beside(path) if words is None else words, wanted)
        if words is not None:
            raise UserError(
                f"{path} has its own words, so that words cannot be given for it",
                allowed="words for a bare .npy array",
            )
        if kind == "npz":
            return numpy_zip.read(stream, path, wanted)
        if kind == "pickle":
            return keyed.read(stream, path, wanted, compressed=isinstance(stream, gzip.GzipFile))
        if kind == "bin":
            return word2vec_binary.read(stream, path, wanted)
        if kind == "fasttext":
            return fasttext.read(stream, path, wanted)
        return word2vec_text.read(stream, path, wanted, header=kind == "word2vec")


def _format_of(path: Path, format: str | None) -> Format:
    if format is not None:
        for known in FORMATS:
            if format == known:
                return known
        raise UserError(
            f"unknown vector format {format!r}",
            allowed=", ".join(FORMATS),
            nearest=nearest(format, FORMATS),
        )
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
