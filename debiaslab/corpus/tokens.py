r"""Text to tokens, and the phrases that some of them make.

Tokens are what the pattern ``\w+|\$[\d\.]+`` finds on each line, combining marks aside. It is the
pattern of the homework's ``RegexpTokenizer``, on Python's own ``re``, as NLTK long ran it. Recent
releases run patterns on the ``regex`` package, where ``\w`` leaves out signs such as ² and ½ and
takes combining marks, which ``re`` lets cut a word in two. What marks do is said by
``CorpusSettings.marks`` and does not depend on NLTK's release.

Phrases (*united states* becomes ``united_states``) are merged exactly as NLTK's
``MWETokenizer(separator="_")`` does: from left to right, the longest phrase that begins at a token.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from debiaslab.corpus.reading import read_blocks
from debiaslab.errors import UserError, normal_form
from debiaslab.settings.training import CorpusSettings

WORD, PRICE = r"\w", r"[\d\.]"  # the characters of a word, and those after a dollar sign
PATTERN = rf"{WORD}+|\${PRICE}+"
DOCUMENT_END = "\n"  # no token can hold a line feed, so one may stand for it among the tokens
LONGEST = 2000  # bytes of UTF-8; longer runs of letters are left out

Phrase = tuple[str, ...]
SHORTEST_PHRASE, LONGEST_PHRASE = 2, 11  # tokens
SEPARATOR = "_"  # between the tokens of a phrase that was joined

MIXED = "several in one token"  # for scripts
_SAMPLE = 12  # odd tokens named

CHARACTERS = 0x110000  # code points
_FIRST = 0x300  # before it are no marks, and nothing that the normal form changes
_DENSE = 1000  # where more than one character in so many may change, text is looked at whole
_JOINERS = "\u200c\u200d"  # zero-width non-joiner and joiner
_MARKS = (range(_FIRST, 0x20000), range(0xE0000, 0xE1000))  # planes that have any
_HANGUL = range(0x1161, 0x11C3)  # vowels and finals, which the normal form joins to a letter
_JOINER_END = re.compile("[\u200c\u200d]+")


def prepare(text: str, settings: CorpusSettings) -> tuple[str, int]:
    """Return text as tokens are cut from it, and how many of its words hold a mark.

    Lower-cased where that is wanted; in normal form unless marks ``cut``; each mark a blank unless
    they are to ``keep``, where joiners at the end of a word become one. Words are counted for
    ``auto`` alone. No token of ``text`` may go on in other text.
    """
    if settings.lowercase:
        text = text.lower()
    if text.isascii():  # most text, at no cost
        return text, 0
    codes = _codes(text)
    changing = [code for code in _later(codes) if _may_change(code)]
    if not changing:
        return text, 0
    places = np.flatnonzero(_where(codes, changing)).tolist()
    if len(places) * _DENSE > len(text):
        return _prepared(text, settings)
    pieces, done, marked = [], 0, 0
    for place in places:  # of few lines: the others stay as they are
        if place >= done:
            begin, end = text.rfind("\n", 0, place) + 1, text.find("\n", place) + 1 or len(text)
            line, more = _prepared(text[begin:end], settings)
            pieces += [text[done:begin], line]
            done, marked = end, marked + more
    return "".join((*pieces, text[done:])), marked


def tokenize(text: str) -> list[str]:
    """Return the tokens of prepared text in order."""
    return _pattern(marks_in(text)).findall(text)


def tokenize_documents(text: str) -> list[str]:
    r"""Return the tokens of several documents in order, with ``"\n"`` where a document ends."""
    return _pattern(marks_in(text), "|\n").findall(text)


def lower_tokens(line: str, settings: CorpusSettings) -> list[str]:
    """Return the tokens of ``line`` as they compare when case is ignored.

    The order of cutting and lower-casing is that of the corpus: lower-casing first can change
    where a token ends (``"İ".lower()`` has a combining dot).
    """
    tokens = tokenize(prepare(line, settings)[0])
    return tokens if settings.lowercase else [token.lower() for token in tokens]


def marks_in(text: str) -> str:
    """Return each combining mark and joiner of ``text`` once, in the order of code points."""
    if text.isascii():
        return ""
    return "".join(chr(code) for code in _later(_codes(text)) if _is_mark(code))


@cache
def word_characters() -> NDArray[np.bool_]:
    r"""Return for each code point whether ``\w`` takes it."""
    return characters(WORD)


@cache
def mark_characters() -> NDArray[np.bool_]:
    """Return for each code point whether it is a combining mark or a joiner."""
    found = np.zeros(CHARACTERS, np.bool_)
    found[[code for block in _MARKS for code in block if _is_mark.__wrapped__(code)]] = True
    return found


def characters(pattern: str) -> NDArray[np.bool_]:
    """Return for each code point whether a pattern of one character matches it."""
    every = np.arange(CHARACTERS, dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")
    found = np.zeros(CHARACTERS, np.bool_)
    for run in re.finditer(f"(?:{pattern})+", every):
        found[slice(*run.span())] = True
    return found


@lru_cache(maxsize=64)
def _pattern(marks: str, more: str = "") -> re.Pattern[str]:
    """Return the pattern of tokens; ``marks`` belong to the word that they stand in or after."""
    inside = f"{WORD}[{WORD}{re.escape(marks)}]*" if marks else f"{WORD}+"
    return re.compile(rf"{inside}|\${PRICE}+{more}")


@cache
def _is_mark(code: int) -> bool:
    return chr(code) in _JOINERS or unicodedata.category(chr(code)).startswith("M")


@cache
def _may_change(code: int) -> bool:
    """Whether a character is a mark, or text with it may have another normal form."""
    changes = not unicodedata.is_normalized("NFC", chr(code))
    return _is_mark(code) or changes or code in _HANGUL


def _codes(text: str) -> NDArray[np.uint32]:
    """Return the code points of ``text``."""
    return np.frombuffer(text.encode("utf-32-le"), "<u4")


def _later(codes: NDArray[np.uint32]) -> list[int]:
    """Return each code point from ``_FIRST`` on once, ascending."""
    return np.flatnonzero(np.bincount(codes[codes >= _FIRST])).tolist()


def _where(codes: NDArray[np.uint32], wanted: list[int]) -> NDArray[np.bool_]:
    """Return where one of the code points stands, shape as ``codes``."""
    table = np.zeros(int(codes.max()) + 1, np.bool_)
    table[wanted] = True
    return table[codes]


def _prepared(text: str, settings: CorpusSettings) -> tuple[str, int]:
    """Do what ``prepare`` does with text in the right case that may change."""
    if settings.marks != "cut":
        text = normal_form(text)
    codes = _codes(text)
    marks = [code for code in _later(codes) if _is_mark(code)]
    if not marks:
        return text, 0
    if settings.marks == "keep":
        return _without_loose_joiners(text), 0
    mark = _where(codes, marks)
    blanked = np.where(mark, np.uint32(ord(" ")), codes).tobytes().decode("utf-32-le")
    return blanked, _words_with(mark, codes) if settings.marks == "auto" else 0


def _words_with(mark: NDArray[np.bool_], codes: NDArray[np.uint32]) -> int:
    """Return how many words hold a mark."""
    word = word_characters()[codes]
    inside = word | mark
    run = np.cumsum(inside[1:] & ~inside[:-1])  # a number for each run of letters and marks
    return len(np.unique(run[mark[1:] & word[:-1]]))


def _without_loose_joiners(text: str) -> str:
    """Return text in which a joiner stands between letters, or ends a word as its virama asks."""
    word, mark = word_characters(), mark_characters()

    def stays(found: re.Match[str]) -> str:
        after = found.string[found.end() : found.end() + 1]
        if after and (word[ord(after)] or mark[ord(after)]):
            return found[0]
        before = found.string[found.start() - 1] if found.start() else " "
        half_form = found[0][0] == "\u200d" and mark[ord(before)]  # as Malayalam's old chillus
        return "\u200d " if half_form else " "

    return _JOINER_END.sub(stays, text)


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
        if line.strip() and not SHORTEST_PHRASE <= len(tokens) <= LONGEST_PHRASE:
            raise UserError(
                f"line {number} of {path} ({line.strip()[:60]!r}) has {len(tokens)} word"
                + "s" * (len(tokens) != 1),
                allowed=f"{SHORTEST_PHRASE} to {LONGEST_PHRASE} words, with blanks between them",
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


@dataclass(frozen=True)
class ScriptCounts:
    """Tokens of the vocabulary by script.

    Attributes:
        tokens: By name of the script (``Latin``, ``Devanagari``), the most frequent first; letters
            of several scripts in one token are under ``MIXED``, tokens without letters nowhere.
        odd: The most frequent tokens that are not wholly in the most frequent script.
    """

    tokens: dict[str, int]
    odd: tuple[str, ...]

    @property
    def odd_share(self) -> float:
        """Share of the tokens with letters that are not wholly in the most frequent script."""
        counts = list(self.tokens.values())
        return sum(counts[1:]) / sum(counts) if counts else 0.0


def script_counts(words: Sequence[str], counts: Sequence[int]) -> ScriptCounts:
    """Count tokens by the script of their letters: ``words`` by falling count, and ``counts``."""
    scripts = [_script(word) for word in words]
    tokens: Counter[str] = Counter()
    for script, count in zip(scripts, counts, strict=True):
        if script is not None:
            tokens[script] += count
    ordered = dict(tokens.most_common())
    usual = (None, *list(ordered)[:1])
    odd = (word for word, script in zip(words, scripts, strict=True) if script not in usual)
    return ScriptCounts(ordered, tuple(islice(odd, _SAMPLE)))


def _script(word: str) -> str | None:
    """Return the script of the letters of ``word``; None when it has no letter."""
    if word.isascii():
        return None if word.strip("0123456789_$.") == "" else "Latin"
    found = {script for character in word if (script := _script_of(character)) is not None}
    return MIXED if len(found) > 1 else next(iter(found), None)


@cache
def _script_of(character: str) -> str | None:
    """Return the script of a letter by its name in Unicode; None for digits, marks and signs."""
    if not unicodedata.category(character).startswith("L"):
        return None
    name = unicodedata.name(character, "Unnamed")
    return name.split()[0].capitalize()
