"""A competition bundle for Codabench: pages, reference data, scoring program, starting kit.

The format is version 2 of ``competition.yaml``, as Codabench documents it.
"""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date
from importlib.resources import files
from pathlib import Path

from debiaslab.leaderboard.local import default_reference, reference_csv
from debiaslab.leaderboard.scoring import Reference
from debiaslab.system.files import replacing

_DATE = (1980, 1, 1, 0, 0, 0)  # the same bundle, byte for byte, whenever it is made
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


def zipped(parts: dict[str, bytes]) -> bytes:
    """Return a zip of files by name; the same files give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(parts.items()):
            info = zipfile.ZipInfo(name, _DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return out.getvalue()


def _parts(reference: list[Reference], start: date, end: date, title: str) -> dict[str, bytes]:
    templates = files("debiaslab.leaderboard") / "templates"
    program = (files("debiaslab.leaderboard") / "scoring.py").read_bytes()
    metadata = b"command: python3 /app/program/scoring.py /app/input /app/output\n"
    pages = {f"{page}.md": (templates / f"{page}.md").read_bytes() for page in _PAGES}
    kit = {"pairs.csv": _pairs_csv(reference), "README.md": (templates / "kit.md").read_bytes()}
    return {
        **pages,
        "logo.png": _logo(),
        "competition.yaml": _competition(start, end, title).encode(),
        "reference_data.zip": zipped({"reference.csv": reference_csv(reference).encode()}),
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


def _pairs_csv(reference: list[Reference]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["word1", "word2"])
    writer.writerows((pair.word1, pair.word2) for pair in reference)
    return out.getvalue().encode()


def _logo() -> bytes:
    """Return a plain picture, which the format demands."""
    from matplotlib.figure import Figure

    made = Figure(figsize=(2, 2), dpi=100, facecolor="#0072B2")
    made.text(0.5, 0.5, "W·C", ha="center", va="center", color="white", fontsize=30)
    out = io.BytesIO()
    made.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()
