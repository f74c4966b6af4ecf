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
import sys
import zipfile
from collections import Counter
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
_NO_SPREAD = 1e-9


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
        reference: The pairs.

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
    """Return the cosines of a CSV or zip file, in the order of the reference.

    Raises:
        SubmissionError: Another header, missing, repeated or unknown pairs, a value that is not a
            number from −1 to 1, or a zip that does not hold one CSV.
    """
    rows = csv.reader(io.StringIO(_text(path), newline=""))
    try:
        _check_header(next(rows, []), path)
        found = _values(rows, {(pair.word1, pair.word2) for pair in reference}, path)
    except csv.Error as error:
        raise SubmissionError(f"line {rows.line_num} of {path.name} is not CSV: {error}") from error
    lines = enumerate(reference, start=2)  # as in the starting kit's pairs.csv
    missing = [(line, pair) for line, pair in lines if (pair.word1, pair.word2) not in found]
    if missing:
        line, pair = missing[0]
        raise SubmissionError(
            f"{path.name} lacks {len(missing):,} of {len(reference):,} pairs, first "
            f"{pair.word1},{pair.word2}, line {line} of the task's pairs"
        )
    return [found[pair.word1, pair.word2] for pair in reference]


def main(arguments: list[str]) -> int:
    """Score ``INPUT/res`` with ``INPUT/ref`` and write ``OUTPUT/scores.json`` and ``scores.txt``.

    Raises:
        SubmissionError: No file, or more than one, was handed in, or it cannot be scored.
    """
    source, out = map(Path, arguments)
    reference = read_reference(source / "ref" / "reference.csv")
    files = sorted(
        path for path in (source / "res").rglob("*") if path.suffix.lower() in (".csv", ".zip")
    )
    if len(files) != 1:
        raise SubmissionError(f"{len(files)} CSV or zip files were handed in; hand in one")
    found = score(read_submission(files[0], reference), reference)
    keys = {name.replace(" ", "_").replace("-", "_"): value for name, value in found.items()}
    out.mkdir(parents=True, exist_ok=True)
    (out / "scores.json").write_text(json.dumps(keys), encoding="utf-8")
    (out / "scores.txt").write_text(
        "".join(f"{key}: {value}\n" for key, value in keys.items()), encoding="utf-8"
    )
    return 0


def _text(path: Path) -> str:
    if path.stat().st_size > _LARGEST:
        raise SubmissionError(f"{path.name} is larger than {_LARGEST // 1_000_000} MB")
    data = _unzipped(path) if path.suffix.lower() == ".zip" else path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SubmissionError(f"{path.name} is not UTF-8 text") from error


def _unzipped(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.startswith("__MACOSX/")]
            if len(names) != 1 or not names[0].lower().endswith(".csv"):
                raise SubmissionError(
                    f"{path.name} holds {', '.join(names) or 'nothing'}; it must hold one CSV file "
                    "and nothing else"
                )
            if archive.getinfo(names[0]).file_size > _LARGEST:
                raise SubmissionError(f"{names[0]} in {path.name} is too large")
            return archive.read(names[0])
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise SubmissionError(f"{path.name} is not a zip file that can be read: {error}") from error


def _check_header(header: list[str], path: Path) -> None:
    if header == HEADER:
        return
    if header[1:] == HEADER:
        raise SubmissionError(
            f"line 1 of {path.name}: there is an index column before word1,word2,sim; write the "
            "file without it (index=False)"
        )
    raise SubmissionError(
        f"line 1 of {path.name} is {','.join(header)!r}; it must be word1,word2,sim"
    )


def _values(rows: Any, known: set[tuple[str, str]], path: Path) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for row in rows:
        place = f"line {rows.line_num} of {path.name}"
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
    if not math.isfinite(value) or not -1.0 <= value <= 1.0:
        raise SubmissionError(f"{place}: {text!r} is not a number from -1 to 1")
    return value


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
    sys.exit(main(sys.argv[1:]))
