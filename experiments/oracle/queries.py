"""What is asked of every program: the same word lists, from the lexicons of debiaslab."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from debiaslab.lexicons import association_test, association_tests, gender_words, load, load_pairs
from debiaslab.lexicons.tables import load_occupation_women, occupation_women_names
from debiaslab.metrics import default_similarity_sets
from debiaslab.metrics.vocabulary import row_of
from debiaslab.vectors.embeddings import Embeddings

DRAWS = 10_000
SPLITS = 50
ABSENT = "not-a-word"
SOFTBALL = ("receptionist", "bookkeeper", "pitcher", "waitress")
ANALOGIES = ("programmer", "doctor", "nurse", "boss", "architect", "teacher", "captain", "lawyer")
SECTION = "family"  # of Google's analogy questions

Lists = dict[str, list[str]]


@dataclass(frozen=True)
class Queries:
    """Word lists.

    Attributes:
        weat: X, Y, A and B of each test, as published (cased).
        female: Female terms, each beside the male term of ``male``.
        male: Male terms.
        career: Career words.
        family: Family words.
        neutral: Occupations that are not gender-specific.
        definitional: Pairs (male, female).
        equalize: Pairs (male, female).
        specific: Words that hard debiasing leaves alone.
        women: Share of women by occupation.
        similarity: Pairs and their human score, by set.
    """

    weat: dict[str, Lists]
    female: list[str]
    male: list[str]
    career: list[str]
    family: list[str]
    neutral: list[str]
    definitional: list[tuple[str, str]]
    equalize: list[tuple[str, str]]
    specific: list[str]
    women: dict[str, float]
    similarity: dict[str, list[tuple[str, str, float]]]

    def request(self, embeddings: Embeddings) -> dict[str, Any]:
        """Return what a worker is sent: lists reduced to the words of these vectors.

        The other programs look words up as they are written only, and stop at some lost words.
        """
        return {
            "weat": self.weat_of(embeddings),
            "small": self.small(),
            "groups": {"female": self.female, "male": self.male},
            "career": self.career,
            "family": self.family,
            "neutral": self.neutral_of(embeddings),
            "definitional": self.pairs_of(embeddings, self.definitional),
            "equalize": self.pairs_of(embeddings, self.equalize),
            "specific": self.specific,
            "women": {w: share for w, share in self.women.items() if w in embeddings},
            "similarity": self.similarity,
            "softball": SOFTBALL,
            "analogies": ANALOGIES,
            "section": SECTION,
            "absent": ABSENT,
            "draws": DRAWS,
            "splits": SPLITS,
        }

    def weat_of(self, embeddings: Embeddings) -> dict[str, Lists]:
        """Return the tests that keep at least 4 words of every list, as written in the vectors."""
        kept = {
            name: {role: embeddings.split(words)[0] for role, words in sets.items()}
            for name, sets in self.weat.items()
        }
        return {name: sets for name, sets in kept.items() if min(map(len, sets.values())) >= 4}

    def small(self) -> Lists:
        """Return four targets a side: so few partitions (70) that how they are drawn shows."""
        return {"X": self.career[:4], "Y": self.family[:4], "A": self.male, "B": self.female}

    def pairs_of(
        self, embeddings: Embeddings, pairs: list[tuple[str, str]]
    ) -> list[tuple[str, str]]:
        """Return the complete pairs, spelled as the vectors spell them."""
        rows = ([row_of(embeddings, word) for word in pair] for pair in pairs)
        return [
            (embeddings.words[male], embeddings.words[female])
            for male, female in rows
            if male is not None and female is not None
        ]

    def neutral_of(self, embeddings: Embeddings) -> list[str]:
        """Return the occupations that the vectors have."""
        return embeddings.split(self.neutral)[0]


def queries() -> Queries:
    """Return what is asked."""
    terms = association_test("6b").half("all")
    return Queries(
        weat={
            test.name: {
                role: list(words) for role, words in zip("XYAB", test.half("all"), strict=True)
            }
            for test in association_tests()
            if test.published
        },
        female=list(terms.Y),
        male=list(terms.X),
        career=list(terms.A),
        family=list(terms.B),
        neutral=list(load("occupations").words),
        definitional=list(load_pairs("definitional_pairs").pairs),
        equalize=list(load_pairs("equalize_pairs").pairs),
        specific=sorted(gender_words()),
        women=dict(load_occupation_women(occupation_women_names()[0]).half("all")),
        similarity={each.name: list(each.pairs) for each in default_similarity_sets()},
    )
