"""The share of women by occupation, from labour force statistics published with three data sets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from debiaslab.errors import UserError, nearest
from debiaslab.lexicons.source import source, version_of
from debiaslab.lexicons.split import Half, in_half


@dataclass(frozen=True)
class OccupationWomen:
    """Percentages of women, one an occupation.

    Attributes:
        name: Name of the set.
        percent: ``(occupation, percentage)``, the percentage in 0–100, by occupation.
        year: The year or years of the statistics.
        citation: Where the statistics were published.
        licence: Its licence.
        version: Version of this copy, with a digest of its content.
    """

    name: str
    percent: tuple[tuple[str, float], ...]
    year: str
    citation: str
    licence: str
    version: str

    def half(self, half: Half) -> dict[str, float]:
        """Return ``{occupation: percentage}`` of one half (``all`` for both).

        Raises:
            UserError: ``half`` is not one of all, tune, report.
        """
        percent = dict(self.percent)
        return {word: percent[word] for word in in_half(percent, half)}


def occupation_women_names() -> list[str]:
    """Return the names of the sets: ``bls``, ``winobias`` and ``census``."""
    return list(_sets())


def load_occupation_women(name: str) -> OccupationWomen:
    """Return the set called ``name`` (see `occupation_women_names`).

    Raises:
        UserError: There is no such set.
    """
    try:
        return _sets()[name]
    except KeyError:
        known = occupation_women_names()
        raise UserError(
            f"there is no set of women's shares by occupation called {name!r}",
            allowed=", ".join(known),
            nearest=nearest(name, known),
        ) from None


@cache
def _sets() -> dict[str, OccupationWomen]:
    document = source("occupation_women")
    return {
        name: OccupationWomen(
            name=name,
            percent=tuple(entry["percent"].items()),
            year=entry["year"],
            citation=entry["where"],
            licence=entry["licence"],
            version=version_of(document["version"], entry["percent"]),
        )
        for name, entry in document["sets"].items()
    }
