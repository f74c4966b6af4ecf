"""Scoring files here, with the very program that the server runs, and what it scores them by.

The organisers' side of the pairs (groups, genders and SimLex scores) is made from its sources.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from debiaslab import lexicons
from debiaslab.errors import UserError
from debiaslab.leaderboard.export import default_pairs
from debiaslab.leaderboard.scoring import Reference, SubmissionError, read_submission, score
from debiaslab.metrics import load_similarity

_TOPICS = ("math", "arts", "science", "career", "family")


def default_reference() -> list[Reference]:
    """Return the 1,630 pairs of the task with what scoring needs to know of them.

    Raises:
        UserError: gensim, which carries SimLex-999, is not installed.
    """
    gold = {(a, b): score for a, b, score in load_similarity("SimLex-999").pairs}
    group = {word: f"weat_{name}" for name in _TOPICS for word in lexicons.load(name).words}
    gender = {
        word: name for name in ("male", "female") for word in lexicons.load(f"{name}_terms").words
    }
    return [
        Reference(a, b, "simlex999", "", gold[a, b])
        if (a, b) in gold
        else Reference(a, b, group[a], gender[b], None)
        for a, b in default_pairs()
    ]


def reference_csv(reference: list[Reference]) -> str:
    """Return the CSV that the scoring program reads."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["word1", "word2", "group", "gender", "gold"])
    writer.writerows(["" if field is None else field for field in row] for row in reference)
    return out.getvalue()


def score_files(paths: Sequence[Path]) -> list[tuple[str, dict[str, float]]]:
    """Return ``(name, numbers)`` of each file, the best score first; of equals, as given.

    Raises:
        UserError: A file is missing or cannot be scored; the sentence names the line.
    """
    reference = default_reference()
    board = []
    for path in paths:
        try:
            board.append((path.name, score(read_submission(path, reference), reference)))
        except SubmissionError as error:
            said = str(error)
            raise UserError(
                said if path.name in said else f"{path.name}: {said}",
                allowed="word1,word2,sim with each of the 1,630 pairs once",
                next_step="python -m debiaslab export --study NAME --out submission.csv",
            ) from error
        except OSError as error:
            raise UserError(
                f"cannot read {path}: {error.strerror}", allowed="a CSV or zip file"
            ) from error
    return sorted(board, key=lambda entry: -entry[1]["score"])
