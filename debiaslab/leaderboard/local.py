"""The organisers' side: the reference, scoring files on this machine, a bundle for Codabench.

Files are scored here with the very program that the server runs. The bundle has pages, reference
data, scoring program and starting kit, in version 2 of ``competition.yaml`` as Codabench documents
it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from importlib.resources import files
from pathlib import Path

from debiaslab import lexicons
from debiaslab.errors import UserError
from debiaslab.leaderboard.export import GENDERS, TOPICS, csv_text, default_pairs, zipped
from debiaslab.leaderboard.scoring import Reference, SubmissionError, read_submission, score
from debiaslab.metrics import load_similarity
from debiaslab.system.files import reading_error, replacing

_PAGES = ("overview", "evaluation", "data", "terms")
_COLUMNS = (
    ("score", "Score", "desc"),
    ("information", "Information", "desc"),
    ("bias", "Bias", "asc"),
    ("s_math_arts", "s math/arts", "asc"),
    ("s_science_arts", "s science/arts", "asc"),
    ("s_career_family", "s career/family", "asc"),
    ("d_math_arts", "d math/arts", "asc"),
    ("d_science_arts", "d science/arts", "asc"),
    ("d_career_family", "d career/family", "asc"),
    ("fallback", "Share of one value", "asc"),
    ("distinct", "Different values", "desc"),
)


def default_reference() -> list[Reference]:
    """Return the 1,630 pairs of the task with what scoring needs to know of them."""
    gold = {(a, b): score for a, b, score in load_similarity("SimLex-999").pairs}
    group = {word: f"weat_{name}" for name in TOPICS for word in lexicons.load(name).words}
    gender = {word: name for name in GENDERS for word in lexicons.load(f"{name}_terms").words}
    return [
        Reference(a, b, "simlex999", "", gold[a, b])
        if (a, b) in gold
        else Reference(a, b, group[a], gender[b], None)
        for a, b in default_pairs()
    ]


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
            raise reading_error(path, error) from error
    return sorted(board, key=lambda entry: -entry[1]["score"])


def write_bundle(folder: str | Path, *, start: date, end: date, title: str) -> tuple[Path, ...]:
    """Write ``bundle.zip`` and, beside it, the files it holds, for reading.

    Args:
        folder: Made if need be.
        start: First day on which files are taken.
        end: Last day.
        title: Of the competition.

    Raises:
        UserError: The folder cannot be written, or gensim is not installed.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    parts = _parts(default_reference(), start, end, title)
    written = []
    for name, content in (*parts.items(), ("bundle.zip", zipped(parts))):
        with replacing(folder / name) as path:
            path.write_bytes(content)
        written.append(folder / name)
    return tuple(written)


def _parts(reference: list[Reference], start: date, end: date, title: str) -> dict[str, bytes]:
    templates = files("debiaslab.leaderboard") / "templates"
    program = (files("debiaslab.leaderboard") / "scoring.py").read_bytes()
    metadata = b"command: python3 /app/program/scoring.py /app/input /app/output\n"
    pages = {f"{page}.md": (templates / f"{page}.md").read_bytes() for page in _PAGES}
    pairs = csv_text(Reference._fields[:2], [pair[:2] for pair in reference])
    kit = {"pairs.csv": pairs.encode(), "README.md": (templates / "kit.md").read_bytes()}
    return {
        **pages,
        "logo.png": _logo(),
        "competition.yaml": _competition(start, end, title).encode(),
        "reference_data.zip": zipped(
            {"reference.csv": csv_text(Reference._fields, reference).encode()}
        ),
        "scoring_program.zip": zipped({"scoring.py": program, "metadata.yaml": metadata}),
        "starting_kit.zip": zipped(kit),
    }


def _competition(start: date, end: date, title: str) -> str:
    import yaml

    task = {
        "index": 0,
        "name": "Similarities of 1,630 word pairs",
        "description": "As much information and as little gender bias as possible.",
        "reference_data": "reference_data.zip",
        "scoring_program": "scoring_program.zip",
    }
    columns = [
        {"key": key, "title": shown, "index": i, "sorting": sorting}
        for i, (key, shown, sorting) in enumerate(_COLUMNS)
    ]
    whole = {
        "version": 2,
        "title": title,
        "description": "Debiased word embeddings, judged by what they keep and what they lose.",
        "image": "logo.png",
        "terms": "terms.md",
        "docker_image": "python:3.11",
        "pages": [{"title": page.capitalize(), "file": f"{page}.md"} for page in _PAGES[:3]],
        "tasks": [task],
        "phases": [
            {
                "index": 0,
                "name": "Main",
                "description": "One file a submission.",
                "start": start.isoformat(),
                "end": end.isoformat(),
                "tasks": [0],
                "starting_kit": "starting_kit.zip",
            }
        ],
        "leaderboards": [{"index": 0, "title": "Results", "key": "results", "columns": columns}],
    }
    return str(yaml.safe_dump(whole, sort_keys=False, allow_unicode=True))


def _logo() -> bytes:
    """Return a plain picture, which the format demands."""
    from matplotlib.figure import Figure

    made = Figure(figsize=(2, 2), dpi=100, facecolor="#0072B2")
    made.text(0.5, 0.5, "W·C", ha="center", va="center", color="white", fontsize=30)
    out = io.BytesIO()
    made.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()
