"""Scoring files here, with the very program that the server runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from debiaslab.errors import UserError
from debiaslab.leaderboard.reference import default_reference
from debiaslab.leaderboard.scoring import SubmissionError, read_submission, score


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
