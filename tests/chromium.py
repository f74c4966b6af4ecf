"""Finding a browser, and starting it so that it asks nothing of anyone."""

from __future__ import annotations

import shutil

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def browser_program() -> str:
    """Return the path of a browser; the test is skipped where there is none."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    return found or pytest.skip(f"no browser on the PATH: {', '.join(PROGRAMS)}")
