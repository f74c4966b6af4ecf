"""Multi-word expressions: *united states* becomes ``united_states``.

Exactly NLTK's ``MWETokenizer(separator="_")``: from left to right, the longest phrase that begins
at a token wins. ``plain`` and ``compiled`` merge them; here is the file that lists them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from debiaslab.corpus.reading import read_blocks
from debiaslab.corpus.settings import CorpusSettings
from debiaslab.corpus.tokens import lower_tokens
from debiaslab.errors import UserError

SHORTEST, LONGEST = 2, 11
SEPARATOR = "_"

Phrase = tuple[str, ...]


def load_phrases(path: str | Path, settings: CorpusSettings) -> tuple[Phrase, ...]:
    """Read phrases, one a line, as lower-cased tokens; sorted, each once.

    Marks in them cut words where ``settings`` says so, and stay under ``auto``.

    Raises:
        UserError: The file cannot be read, holds no phrase, or has one that is too short or long.
    """
    path = Path(path)
    phrases = set()
    settings = settings if settings.marks == "cut" else replace(settings, marks="keep")
    for number, line in enumerate(_lines(path), start=1):
        tokens = tuple(lower_tokens(line, settings))
        if line.strip() and not SHORTEST <= len(tokens) <= LONGEST:
            raise UserError(
                f"line {number} of {path} ({line.strip()[:60]!r}) has {len(tokens)} word"
                + "s" * (len(tokens) != 1),
                allowed=f"{SHORTEST} to {LONGEST} words, with blanks between them",
            )
        if tokens:
            phrases.add(tokens)
    if not phrases:
        raise UserError(f"{path} holds no phrase", allowed="one phrase a line")
    return tuple(sorted(phrases))


def phrases_key(phrases: Iterable[Phrase]) -> str:
    """Return a digest of what the phrases say, whatever their order in the file."""
    text = "\n".join(" ".join(phrase) for phrase in phrases)
    return hashlib.sha256(text.encode()).hexdigest()


def _lines(path: Path) -> Iterator[str]:
    rest = ""
    for block in read_blocks(path):
        *lines, rest = (rest + block.text).split("\n")
        yield from lines
