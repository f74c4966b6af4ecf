"""What to type to make a study again where nothing is left of it, from what its runs kept."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from debiaslab.results import RunResults, StudyResults

_MAKE = ("sweep", "compare")  # commands that make a study; resume needs one that is there
_TRIALS = "--trials"


def commands(study: StudyResults) -> tuple[str, ...]:
    """Return the command that makes the study, and the one of its report.

    A study that was resumed keeps ``resume`` as its last command; the one that made it is that of
    its first run, with the number of trials that was asked for last. A study that a program made, a
    notebook for instance, has no command.
    """
    trials = None
    found = [shlex.join(["python", "-m", "debiaslab", "report", "--study", study.name])]
    asked: tuple[StudyResults | RunResults, ...] = (study, study.runs[-1], study.runs[0])
    for kept in asked:
        arguments = _arguments(kept.provenance)
        if _command(arguments) in _MAKE:
            made = arguments if trials is None else [*_without(arguments, _TRIALS), _TRIALS, trials]
            return (shlex.join(["python", "-m", "debiaslab", *made]), *found)
        trials = _value(arguments, _TRIALS) if trials is None else trials
    return tuple(found)


def _arguments(provenance: Mapping[str, Any]) -> list[str]:
    """Return the words of a command line after the program."""
    _, *arguments = provenance.get("argv") or [""]
    return arguments


def _command(arguments: Sequence[str]) -> str:
    return next((word for word in arguments if not word.startswith("-")), "")


def _value(arguments: Sequence[str], option: str) -> str | None:
    """Return the value of an option, written ``--option value`` or ``--option=value``."""
    for word, following in zip(arguments, [*arguments[1:], None], strict=False):
        if word == option:
            return following
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
    return None


def _without(arguments: Sequence[str], option: str) -> list[str]:
    """Return the words without an option and its value."""
    before = [None, *arguments]
    return [
        word
        for word, left in zip(arguments, before, strict=False)
        if option not in (word, left) and not word.startswith(f"{option}=")
    ]
