"""What shapes a corpus besides its text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from debiaslab.errors import UserError, nearest

Rare = Literal["drop", "unk"]


@dataclass(frozen=True)
class CorpusSettings:
    """How text becomes ids.

    Raises:
        UserError: ``min_count`` is not a whole number from 1, or ``rare`` is unknown.
    """

    mwes: str | None = None  # file of multi-word expressions, one phrase a line
    lowercase: bool = True
    min_count: int = 5  # a type seen less often is rare
    rare: Rare = "drop"  # drop: rare tokens vanish; unk: they become <UNK>

    def __post_init__(self) -> None:
        if not isinstance(self.min_count, int) or self.min_count < 1:
            raise UserError(
                f"a minimum count of {self.min_count!r} cannot be used",
                allowed="a whole number from 1",
                next_step="--min-count 5",
            )
        if self.rare not in get_args(Rare):
            raise UserError(
                f"{self.rare!r} is no way to treat rare words",
                allowed=" or ".join(get_args(Rare)),
                nearest=nearest(str(self.rare), get_args(Rare)),
            )
