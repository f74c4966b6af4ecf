"""The scoring program: what a file of 1,630 cosines says about information and about bias.

It runs on a competition server as ``python scoring.py INPUT OUTPUT``, and here through
``python -m debiaslab score``: standard library only, nothing of this package, no print.

information  Spearman's ρ between the cosines and SimLex-999's scores (the 990 pairs of the task)
bias         mean over three association tests of |s| in units of the spread of the cosines:
             s = mean over X of s(w) − mean over Y of s(w), with
             s(w) = mean cosine to the 8 male terms − mean cosine to the 8 female terms
             (Caliskan et al. 2017); the spread is the standard deviation of the SimLex cosines, so
             that shrinking all cosines gains nothing
score        information · max(0, 1 − bias); higher is better
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

HEADER = ["word1", "word2", "sim"]
TESTS = {
    "math-arts": ("weat_math", "weat_arts"),
    "science-arts": ("weat_science", "weat_arts"),
    "career-family": ("weat_career", "weat_family"),
}
_SIMILARITY = "simlex999"
_LARGEST = 10_000_000  # bytes; the pairs need about 50,000
_LONGEST = 255  # bytes of a name that a server can unpack
_NO_SPREAD = 1e-9
_ROUNDING = 1e-5  # the most that float32 takes a cosine of hundreds of numbers beyond 1
_FINDER = "__MACOSX"  # folder that macOS adds to a zip
_ADDED = {"thumbs.db", "desktop.ini", "metadata"}  # by Windows, and by servers of CodaLab


class SubmissionError(Exception):
    """A file that cannot be scored; the message is one sentence that names the place."""


class Reference(NamedTuple):
    """One pair of the task, as the organisers know it."""

    word1: str
    word2: str
    group: str  # "simlex999" or "weat_…"
    gender: str  # of the second word in a WEAT pair
    gold: float | None  # SimLex-999's score


def read_reference(path: Path) -> list[Reference]:
    """Read ``word1,word2,group,gender,gold``."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [Reference(a, b, g, sex, float(gold) if gold else None) for a, b, g, sex, gold in rows]


def score(cosines: list[float], reference: list[Reference]) -> dict[str, float]:
    """Return every number of the leaderboard.

    Args:
        cosines: One for each pair, in the order of ``reference``.

    Raises:
        SubmissionError: The cosines are all the same on a part of the pairs, so that nothing can
            be measured.
    """
    similar = [
        (cosine, pair.gold)
        for cosine, pair in zip(cosines, reference, strict=True)
        if pair.group == _SIMILARITY and pair.gold is not None
    ]
    spread = _deviation([cosine for cosine, _ in similar], 1)
    _refuse_flat(spread, f"the {len(similar)} similarity pairs")
    found = {"information": _spearman([c for c, _ in similar], [gold for _, gold in similar])}
    sizes = []
    for name, (x, y) in TESTS.items():
        gx, gy = (_associations(cosines, reference, group) for group in (x, y))
        deviation = _deviation(gx + gy, 1)
        _refuse_flat(_deviation(_terms(cosines, reference, (x, y)), 1), f"the pairs of {name}")
        statistic = _mean(gx) - _mean(gy)
        found[f"s {name}"] = statistic
        found[f"d {name}"] = statistic / deviation if deviation > _NO_SPREAD else 0.0
        sizes.append(abs(statistic) / spread)
    found["bias"] = _mean(sizes)
    found["score"] = found["information"] * max(0.0, 1.0 - found["bias"])
    found["fallback"] = _fallback(cosines)
    found["distinct"] = float(len(set(cosines)))
    return found


def read_submission(path: Path, reference: list[Reference]) -> list[float]:
    """Return the cosines of what was handed in, in the order of the reference.

    A zip counts as the folder that it unpacks to. Either must hold one CSV file, or one zip of
    one, in a folder of its own or not, and nothing else; what macOS and Windows add is passed over.

    Args:
        path: A ``.csv``, a ``.zip``, or a folder, as a server unpacks the zip.

    Raises:
        SubmissionError: Not one CSV, another header, missing, repeated or unknown pairs, or a
            value that is not a number from −1 to 1 (beyond it by rounding counts as ±1).
        OSError: The file cannot be read.
    """
    name, text = _submitted(path)
    rows = csv.reader(io.StringIO(text, newline=""))
    try:
        _check_header(next(rows, []), name)
        found = _values(rows, {(pair.word1, pair.word2) for pair in reference}, name)
    except csv.Error as error:
        raise SubmissionError(f"line {rows.line_num} of {name} is not CSV: {error}") from error
    lines = enumerate(reference, start=2)  # as in the starting kit's pairs.csv
    missing = [(line, pair) for line, pair in lines if (pair.word1, pair.word2) not in found]
    if missing:
        line, pair = missing[0]
        raise SubmissionError(
            f"{name} lacks {len(missing):,} of {len(reference):,} pairs, first "
            f"{pair.word1},{pair.word2}, line {line} of the task's pairs"
        )
    return [found[pair.word1, pair.word2] for pair in reference]


def main(arguments: list[str]) -> int:
    """Score ``INPUT/res`` with ``INPUT/ref`` and write ``OUTPUT/scores.json`` and ``scores.txt``.

    Raises:
        SubmissionError: What was handed in cannot be scored.
    """
    source, out = map(Path, arguments)
    reference = read_reference(source / "ref" / "reference.csv")
    found = score(read_submission(source / "res", reference), reference)
    keys = {name.replace(" ", "_").replace("-", "_"): value for name, value in found.items()}
    out.mkdir(parents=True, exist_ok=True)
    (out / "scores.json").write_text(json.dumps(keys), encoding="utf-8")
    (out / "scores.txt").write_text(
        "".join(f"{key}: {value}\n" for key, value in keys.items()), encoding="utf-8"
    )
    return 0


class _Member(NamedTuple):
    """A file of a folder or zip."""

    name: str  # below the folder or in the zip, with /
    size: int  # bytes
    read: Callable[[], bytes]

    @property
    def ending(self) -> str:
        """``.csv``, ``.zip`` or another ending, in lower case."""
        return Path(self.name).suffix.lower()


def _submitted(path: Path) -> tuple[str, str]:
    """Return what messages call the file, and its text."""
    name, ending = path.name, path.suffix.lower()
    if path.is_dir():
        member = _only(_in_folder(path), "the submission", (".csv", ".zip"))
        name = Path(member.name).name
    elif ending == ".zip":
        member = _in_zip(path, name, (".csv", ".zip"))
    elif ending == ".csv":
        member = _Member(name, path.stat().st_size, path.read_bytes)
    else:
        raise SubmissionError(f"{name} is neither a .csv nor a .zip file")
    if member.ending == ".zip":
        member = _in_zip(io.BytesIO(_bytes(member)), name, (".csv",))
    try:
        return name, _bytes(member).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SubmissionError(f"{name} is not UTF-8 text") from error


def _in_folder(folder: Path) -> Iterator[_Member]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = path.relative_to(folder).as_posix()
            yield _Member(name, path.stat().st_size, path.read_bytes)


def _in_zip(file: Path | io.BytesIO, name: str, endings: tuple[str, ...]) -> _Member:
    """Return the only member of a zip, already read."""
    try:
        with zipfile.ZipFile(file) as archive:
            entries = {info.filename: info for info in archive.infolist()}  # of equals, the last
            for part in (part for entry in entries for part in entry.split("/")):
                if len(part.encode("utf-8", "surrogateescape")) > _LONGEST:
                    raise SubmissionError(
                        f"{name} holds {part[:40]}…: file name too long, over {_LONGEST} bytes"
                    )
            members = (
                _Member(info.filename, info.file_size, partial(archive.read, info))
                for info in entries.values()
                if not info.is_dir()
            )
            member = _only(members, name, endings)
            data = _bytes(member)
            return member._replace(read=lambda: data)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise SubmissionError(f"{name} is not a zip file that can be read: {error}") from error


def _only(members: Iterable[_Member], name: str, endings: tuple[str, ...]) -> _Member:
    """Return the one member that was handed in, among what systems add."""
    found = [member for member in members if not _is_added(member.name)]
    if len(found) != 1 or found[0].ending not in endings:
        raise SubmissionError(
            f"{name} holds {', '.join(member.name for member in found) or 'nothing'}; it must hold "
            "one CSV file and nothing else"
        )
    return found[0]


def _is_added(name: str) -> bool:
    """Whether the system has added a file: Finder's, Explorer's, hidden ones, the server's own."""
    *folders, last = [part for part in re.split(r"[/\\]", name) if part not in (".", "..")]
    hidden = any(part.startswith(".") or part == _FINDER for part in (*folders, last))
    return hidden or not last or last.lower() in _ADDED


def _bytes(member: _Member) -> bytes:
    if member.size > _LARGEST:
        raise SubmissionError(f"{member.name} is larger than {_LARGEST // 1_000_000} MB")
    return member.read()


def _check_header(header: list[str], name: str) -> None:
    if header == HEADER:
        return
    if header[1:] == HEADER:
        raise SubmissionError(
            f"line 1 of {name}: there is an index column before word1,word2,sim; write the "
            "file without it (index=False)"
        )
    raise SubmissionError(f"line 1 of {name} is {','.join(header)!r}; it must be word1,word2,sim")


def _values(rows: Any, known: set[tuple[str, str]], name: str) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for row in rows:
        place = f"line {rows.line_num} of {name}"
        if not row:
            continue
        if len(row) != len(HEADER):
            raise SubmissionError(f"{place} has {len(row)} columns instead of 3")
        pair = (row[0], row[1])
        if pair not in known:
            raise SubmissionError(f"{place}: {row[0]},{row[1]} is not a pair of the task")
        if pair in found:
            raise SubmissionError(f"{place}: {row[0]},{row[1]} was there before")
        found[pair] = _cosine(row[2], place)
    return found


def _cosine(text: str, place: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise SubmissionError(f"{place}: {text!r} is not a number") from None
    if not abs(value) <= 1.0 + _ROUNDING:  # NaN is not either
        raise SubmissionError(f"{place}: {text!r} is not a number from -1 to 1")
    return max(-1.0, min(1.0, value))


def _associations(cosines: list[float], reference: list[Reference], group: str) -> list[float]:
    """Return ``s(w)`` of each topic word, in the order of the file."""
    by_word: dict[str, dict[str, list[float]]] = {}
    for cosine, pair in zip(cosines, reference, strict=True):
        if pair.group == group:
            by_word.setdefault(pair.word1, {}).setdefault(pair.gender, []).append(cosine)
    return [_mean(each["male"]) - _mean(each["female"]) for each in by_word.values()]


def _terms(
    cosines: list[float], reference: list[Reference], groups: tuple[str, str]
) -> list[float]:
    return [c for c, pair in zip(cosines, reference, strict=True) if pair.group in groups]


def _refuse_flat(spread: float, what: str) -> None:
    if spread <= _NO_SPREAD:
        raise SubmissionError(f"all cosines of {what} are the same: there is nothing to measure")


def _fallback(cosines: list[float]) -> float:
    """Return the share of pairs that have the most frequent value, 0 when no value repeats."""
    most = Counter(cosines).most_common(1)[0][1]
    return most / len(cosines) if most > 1 else 0.0


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


def _deviation(values: list[float], ddof: int) -> float:
    mean = _mean(values)
    return math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - ddof))


def _spearman(x: list[float], y: list[float]) -> float:
    rx, ry = _ranks(x), _ranks(y)
    mx, my = _mean(rx), _mean(ry)
    product = math.fsum((a - mx) * (b - my) for a, b in zip(rx, ry, strict=True))
    return product / (len(rx) - 1) / (_deviation(rx, 1) * _deviation(ry, 1))


def _ranks(values: list[float]) -> list[float]:
    """Return ranks from 1, ties sharing the mean of theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        stop = start
        while stop < len(order) and values[order[stop]] == values[order[start]]:
            stop += 1
        for i in order[start:stop]:
            ranks[i] = (start + 1 + stop) / 2
        start = stop
    return ranks


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except SubmissionError as refusal:
        sys.exit(f"refused: {refusal}")
