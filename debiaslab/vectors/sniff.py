"""What a vector file holds, told from its first bytes: its name may lie."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from debiaslab.errors import UserError

Kind = Literal["word2vec", "headerless", "bin", "pickle", "npz", "npy"]

HEAD = 1 << 16
"""How many bytes ``sniff`` wants to see; a shorter file gives fewer."""

_HEADER = re.compile(rb"(\d{1,18})[ \t]+(\d{1,18})\s*")
_NUMBERS = re.compile(rb"[-+.0-9eEnaifNAIF \t\r]*(\n|$)")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def word2vec_header(line: bytes) -> tuple[int, int] | None:
    """Return ``(words, dimension)`` of a word2vec header line, or None when it is not one."""
    match = _HEADER.fullmatch(line)
    return (int(match[1]), int(match[2])) if match else None


def sniff(head: bytes, path: Path) -> Kind:
    """Tell the format of a file from its first ``HEAD`` bytes.

    Raises:
        UserError: They belong to no vector format.
    """
    if head.startswith(b"PK\x03\x04"):
        return "npz"
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    if re.match(rb"\x80[\x02-\x05]", head):
        return "pickle"
    first, _, rest = head.partition(b"\n")
    header = word2vec_header(first)
    if header:
        if 0 in header:
            raise UserError(
                f"{path} promises {header[0]} words of dimension {header[1]}",
                allowed="1 or more of each",
            )
        return "word2vec" if _is_text(rest, header[1]) else "bin"
    if _is_headerless(first):
        return "headerless"
    raise _unknown(head, path)


def _is_text(rest: bytes, dim: int) -> bool:
    """Whether what follows the first word is text: raw floats hold control bytes or no UTF-8."""
    start = rest.find(b" ") + 1
    if _NUMBERS.match(rest, start):
        return True
    sample = rest[start : start + max(4 * dim, 256)]
    if _CONTROL.search(sample):
        return False
    try:
        sample.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.end == len(sample) and "unexpected end" in error.reason
    return True


def _is_headerless(line: bytes) -> bool:
    """Whether a line is a word and two numbers or more (with one, it could be a broken header)."""
    try:
        return len([float(column) for column in line.split()[1:]]) > 1
    except ValueError:
        return False


def _unknown(head: bytes, path: Path) -> UserError:
    if not head:
        return UserError(f"{path} holds nothing", allowed="a vector file")
    allowed = (
        "word2vec text or binary, GloVe text, a gensim KeyedVectors file, .npz with words and "
        "vectors, or .npy with a file of words beside it"
    )
    return UserError(f"{path} is no vector file: it starts with {head[:40]!r}", allowed=allowed)
