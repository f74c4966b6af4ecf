"""What is handed in: the CodaLab file of the similarities of word pairs."""

from __future__ import annotations

import csv
import importlib.util
import io
import math
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from debiaslab import lexicons
from debiaslab.errors import UserError
from debiaslab.system.files import reading_error, replacing
from debiaslab.tables import Column, Table
from debiaslab.vectors.embeddings import Embeddings, units

Pair = tuple[str, str]

_HEADER = ("word1", "word2")
_OMITTED = frozenset(
    {
        ("argue", "rationalize"),
        ("bubble", "suds"),
        ("comprehend", "satisfy"),
        ("disorganize", "organize"),
        ("drizzle", "rain"),
        ("know", "comprehend"),
        ("read", "comprehend"),
        ("roam", "wander"),
        ("think", "rationalize"),
    }
)
TOPICS = ("math", "arts", "science", "career", "family")
GENDERS = ("male", "female")
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_SHOWN = 5


@dataclass(frozen=True)
class Submission:
    """A CodaLab file that was written."""

    path: Path  # the CSV or zip
    rows: int  # how many pairs it holds
    missing_words: tuple[str, ...]  # words that the vectors lack, in the order they were met
    missing_pairs: int  # how many pairs therefore got the fallback
    fallback: float  # their value

    @property
    def warning(self) -> str | None:
        """One sentence about the missing words, or None when there are none."""
        if not self.missing_words:
            return None
        shown = ", ".join(repr(word) for word in self.missing_words[:_SHOWN])
        more = ", …" if len(self.missing_words) > _SHOWN else ""
        return (
            f"{self.missing_pairs:,} of {self.rows:,} pairs got the fallback {self.fallback} "
            f"because {len(self.missing_words):,} of their words have no vector: {shown}{more}"
        )


def default_pairs() -> list[Pair]:
    """Return the 1,630 pairs of the shared task, made from their sources.

    First SimLex-999 (Hill, Reichart and Korhonen 2015) in its order, without the nine
    pairs that the task leaves out; then the 40 words of WEAT's math, arts (of test 7),
    science, career and family (Caliskan et al. 2017), each with the 16 male and female terms.

    Raises:
        UserError: The installed gensim lacks its copy of SimLex-999.
    """
    pairs = [pair for pair in _simlex() if pair not in _OMITTED]
    terms = [term for name in GENDERS for term in lexicons.load(f"{name}_terms").words]
    topics = [word for name in TOPICS for word in lexicons.load(name).words]
    return pairs + [(word, term) for word in topics for term in terms]


def read_pairs(path: str | Path) -> list[Pair]:
    """Return the pairs of a CSV with the columns ``word1`` and ``word2``, in its order.

    Other columns (``sim``, ``score``) and blank lines are passed over.

    Raises:
        UserError: The file is missing, a directory, empty, without pairs, not UTF-8 or not CSV,
            has other headers, or has a row with an empty word or another number of columns than
            the header (with its line number).
    """
    path = Path(path)
    rows = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        header = next((row for row in rows if not _is_blank(row)), [])
        first, second = _columns(header, path)
        pairs = [
            _pair(row, len(header), first, second, f"line {rows.line_num} of {path}")
            for row in rows
            if not _is_blank(row)
        ]
    except csv.Error as error:
        raise UserError(
            f"line {rows.line_num} of {path} is not CSV ({error})",
            allowed='word1,word2 on each line, quoted with " where a word holds a comma',
        ) from error
    if not pairs:
        raise UserError(f"{path} holds no pairs", allowed="one pair or more under word1,word2")
    return pairs


def codalab(
    embeddings: Embeddings, pairs: Sequence[Pair], out: str | Path, *, missing: float = 0.0
) -> Submission:
    """Write the cosine similarity of each pair as ``word1,word2,sim``, in the order given.

    Words are looked up as the scorecard does, other casings included (see
    ``embeddings.written_in``). The same input gives the same bytes.

    Args:
        pairs: The pairs, as ``default_pairs`` or ``read_pairs`` returns them.
        out: A ``.csv``, or a ``.zip`` that will hold just the CSV of the same stem.
        missing: The similarity stated for a pair with a word that has no vector, in [−1, 1].

    Raises:
        UserError: Another ending, a fallback outside [−1, 1], or the file cannot be written.
    """
    out = Path(out)
    ending = out.suffix.lower()
    if ending not in (".csv", ".zip"):
        raise UserError(
            f"{out} cannot be a submission", allowed=".csv or .zip", next_step=f"{out.stem}.zip"
        )
    if not (math.isfinite(missing) and -1 <= missing <= 1):
        raise UserError(
            f"the fallback {missing} is not a similarity", allowed="a number from -1 to 1"
        )
    found = {word: embeddings.lookup(word) for word in dict.fromkeys(w for p in pairs for w in p)}
    lost = tuple(word for word, form in found.items() if form is None)
    values = np.round(_similarities(embeddings, pairs, found, missing), 8) + 0.0  # no "-0.00000000"
    rows = [(*pair, f"{value:.8f}") for pair, value in zip(pairs, values.tolist(), strict=True)]
    table = csv_text((*_HEADER, "sim"), rows).encode()
    with replacing(out) as temporary:
        temporary.write_bytes(zipped({f"{out.stem}.csv": table}) if ending == ".zip" else table)
    return Submission(
        path=out,
        rows=len(pairs),
        missing_words=lost,
        missing_pairs=sum(found[a] is None or found[b] is None for a, b in pairs),
        fallback=missing,
    )


def csv_text(names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a CSV with a header; None is an empty cell."""
    return Table(tuple(map(Column, names)), rows).csv()


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of files by name; the same files give the same bytes, on every system."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, date_time=_ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, also when made on Windows
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return packed.getvalue()


def _simlex() -> list[Pair]:
    spec = importlib.util.find_spec("gensim")  # finds gensim's folder without importing it
    folder = Path(spec.origin).parent if spec and spec.origin else Path()
    path = folder / "test" / "test_data" / "simlex999.txt"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UserError(
            f"the installed gensim lacks its copy of SimLex-999 ({path})",
            next_step="pip install --force-reinstall gensim",
        ) from error
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return [(row[0], row[1]) for row in rows]


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"byte {error.start} of {path} is not UTF-8", allowed="a CSV in UTF-8"
        ) from None
    except OSError as error:
        raise reading_error(path, error) from error


def _is_blank(row: list[str]) -> bool:
    return not row or (len(row) == 1 and not row[0].strip())


def _columns(header: list[str], path: Path) -> tuple[int, int]:
    """Return where ``word1`` and ``word2`` stand."""
    names = [name.strip() for name in header]
    if not names:
        raise UserError(f"{path} is empty", allowed="a CSV with the header word1,word2")
    if any(names.count(name) != 1 for name in _HEADER):
        raise UserError(
            f"the first line of {path} is {','.join(header)[:80]!r}",
            allowed="the header word1,word2 (other columns are passed over)",
        )
    return names.index(_HEADER[0]), names.index(_HEADER[1])


def _pair(row: list[str], width: int, first: int, second: int, place: str) -> Pair:
    if len(row) != width:
        raise UserError(f"{place} has {len(row)} columns", allowed=f"{width}, as in the header")
    pair = row[first].strip(), row[second].strip()
    if not all(pair):
        raise UserError(f"{place} has an empty word", allowed="two words")
    return pair


def _similarities(
    embeddings: Embeddings, pairs: Sequence[Pair], found: dict[str, str | None], missing: float
) -> NDArray[np.float64]:
    """Return one cosine a pair, in float64, so that 8 decimals are right."""
    row = {word: -1 if form is None else embeddings.index[form] for word, form in found.items()}
    rows = np.array([(row[a], row[b]) for a, b in pairs], dtype=np.int64).reshape(-1, 2)
    known = (rows >= 0).all(axis=1)
    left, right = (units(embeddings.vectors[rows[known, side]]) for side in (0, 1))
    values = np.full(len(pairs), missing, dtype=np.float64)
    values[known] = np.clip((left * right).sum(axis=1), -1.0, 1.0)
    return values
