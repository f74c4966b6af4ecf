"""Human word-similarity judgements: the two that the gensim wheel carries, and any CSV."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from debiaslab.errors import UserError, nearest
from debiaslab.lexicons import Half, half_of_pair
from debiaslab.metrics.set_files import SkippedFile, files_of, text_lines
from debiaslab.metrics.similarity_layouts import (
    Layout,
    Row,
    content_rows,
    fields,
    layout_of,
    number_in,
    untagged,
)

ScoredPair = tuple[str, str, float]

_IN_GENSIM = {"WordSim-353": "wordsim353.tsv", "SimLex-999": "simlex999.txt"}
_HEADER = ["word1", "word2", "score"]
_SHOWN = 80  # characters of a line
_SIMLEX_CLASSES = {"adjective": 111, "noun": 666, "verb": 222}  # in the order of the file


@dataclass(frozen=True)
class SimilaritySet:
    """Pairs of words with a human similarity score; only the order of the scores is used."""

    name: str
    pairs: tuple[ScoredPair, ...]

    def half(self, half: Half) -> SimilaritySet:
        """Return the pairs of one half, by a stable hash of the two words; ``all`` for both."""
        return self if half == "all" else SimilaritySet(self.name, self._halves[half])

    @cached_property
    def _halves(self) -> dict[str, tuple[ScoredPair, ...]]:
        return {
            half: tuple(pair for pair in self.pairs if half_of_pair(pair[0], pair[1]) == half)
            for half in ("tune", "report")
        }


@dataclass(frozen=True)
class SimilaritySets:
    """Result of :func:`similarity_sets_in`: what was read, and what was not and why."""

    sets: tuple[SimilaritySet, ...]
    skipped: tuple[SkippedFile, ...]


@cache
def default_similarity_sets() -> tuple[SimilaritySet, ...]:
    """Return WordSim-353 and SimLex-999.

    Raises:
        UserError: gensim, whose wheel carries both, is not installed.
    """
    return tuple(load_similarity(name) for name in _IN_GENSIM)


def load_similarity(source: str | Path) -> SimilaritySet:
    """Return a similarity set.

    Args:
        source: ``"WordSim-353"`` (Finkelstein et al. 2002; 353 pairs), ``"SimLex-999"`` (Hill,
            Reichart & Korhonen 2015; 999 pairs), or the path of a file with the header
            ``word1,word2,score`` or in the layout of a published set (see ``similarity_layouts``),
            named after the file.

    Raises:
        UserError: No such file or set, another layout, a row that is not two words and a number,
            or no rows.
    """
    if str(source) in _IN_GENSIM:
        path = _gensim_test_data() / _IN_GENSIM[str(source)]
        rows = content_rows(list(text_lines(path)))
        return SimilaritySet(str(source), _parse(path, rows, Layout("\t", False, 0, 1, 2)))
    path = Path(source)
    if not path.exists():
        raise UserError(
            f"there is no similarity set or file {str(path)!r}",
            allowed=f"{', '.join(_IN_GENSIM)}, or a CSV file {','.join(_HEADER)}",
            nearest=nearest(str(path), _IN_GENSIM),
        )
    rows = content_rows(list(text_lines(path)))
    layout = layout_of(rows)
    if layout is None:
        raise UserError(
            f"{path} starts with {rows[0].line[:_SHOWN] if rows else 'an empty line'!r}",
            allowed=f"a CSV file with the header {','.join(_HEADER)}, or the layout in which "
            "WordSim-353, SimLex-999, MEN, RG-65 and others are published",
        )
    return SimilaritySet(path.stem, _parse(path, rows[layout.header :], layout))


def word_classes(similarity: SimilaritySet) -> dict[str, SimilaritySet]:
    """Return the pairs of SimLex-999 by part of speech: ``adjective``, ``noun``, ``verb``.

    The copy that gensim carries has no column for it, but keeps the published order: 111 pairs of
    adjectives, then 666 of nouns, then 222 of verbs (Hill et al. 2015).

    Raises:
        UserError: Another set, or part of this one: of those the classes are not known.
    """
    total = sum(_SIMLEX_CLASSES.values())
    if similarity.name != "SimLex-999" or len(similarity.pairs) != total:
        raise UserError(
            f"the parts of speech of {similarity.name!r} ({len(similarity.pairs)} pairs) are not "
            "known",
            allowed="load_similarity('SimLex-999'), whole; take a half of each class",
        )
    classes: dict[str, SimilaritySet] = {}
    start = 0
    for name, size in _SIMLEX_CLASSES.items():
        pairs = similarity.pairs[start : start + size]
        classes[name] = SimilaritySet(f"{similarity.name} {name}s", pairs)
        start += size
    return classes


def similarity_sets_in(source: str | Path) -> SimilaritySets:
    """Return every similarity set of a folder, or the one of a file or name.

    In a folder, the files with a layout that ``load_similarity`` knows are read, by name; the
    others are skipped and listed.

    Raises:
        UserError: The folder has no such file, or one of them is damaged (see ``load_similarity``).
    """
    path = Path(source)
    if not path.is_dir():
        return SimilaritySets((load_similarity(source),), ())
    sets: list[SimilaritySet] = []
    skipped: list[SkippedFile] = []
    for file in files_of(path):
        if _is_set(file):
            sets.append(load_similarity(file))
        else:
            skipped.append(SkippedFile(file.name, f"no header {','.join(_HEADER)}"))
    if not sets:
        raise UserError(
            f"the folder {path} holds no similarity set",
            allowed=f"CSV files with the header {','.join(_HEADER)}",
        )
    return SimilaritySets(tuple(sets), tuple(skipped))


def _is_set(path: Path) -> bool:
    try:
        return layout_of(content_rows(list(text_lines(path)))) is not None
    except UserError:
        return False


def _parse(path: Path, rows: Sequence[Row], layout: Layout) -> tuple[ScoredPair, ...]:
    if not rows:
        raise UserError(f"{path} holds no word pairs", allowed="one pair and its score a line")
    return untagged([_pair(path, row, layout) for row in rows])


def _pair(path: Path, row: Row, layout: Layout) -> ScoredPair:
    found = fields(row.line, layout.delimiter)
    try:
        word1, word2 = found[layout.first], found[layout.second]
        score = number_in(found[layout.score])
    except IndexError:
        word1 = word2 = ""
        score = math.nan
    if not (word1 and word2 and math.isfinite(score)):
        raise UserError(
            f"row {row.number} of {path} is {row.line[:_SHOWN]!r}",
            allowed="two words and a number",
        )
    return word1, word2, score


def _gensim_test_data() -> Path:
    """Return the folder, found without importing gensim (which takes a second)."""
    spec = importlib.util.find_spec("gensim")
    if spec is None or not spec.submodule_search_locations:
        raise UserError(
            "WordSim-353 and SimLex-999 come with gensim, which is not installed",
            next_step="pip install gensim",
        )
    return Path(spec.submodule_search_locations[0]) / "test" / "test_data"
