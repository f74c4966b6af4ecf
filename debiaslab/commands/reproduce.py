"""Make a run again from what was logged of it, and say whether it comes out the same.

Nothing is checked out or installed: a table shows what the result depends on, as it was and as it
is here. Nothing is logged. The exit code is 0 when vectors and numbers are identical, 1 when they
are not, 2 when the run cannot be made again here.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from debiaslab.commands.arguments import add_store, open_store
from debiaslab.commands.files import CACHE, Input
from debiaslab.errors import DifferenceError

if TYPE_CHECKING:
    from debiaslab.study.single import Circumstance, Verdict

EXAMPLES = """examples:
  python -m debiaslab reproduce RUN_ID
  python -m debiaslab reproduce RUN_ID /data/biographies.txt.gz --store elsewhere"""
_SHOWN = 10  # numbers that differ


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        "run",
        metavar="RUN_ID",
        help="of train, sweep or compare: the id, or its first letters",
    )
    parser.add_argument(
        "corpus", nargs="*", type=Input, metavar="CORPUS", help="where its text is now"
    )
    add_store(parser)


def run(args: argparse.Namespace) -> Iterator[str]:
    """Make the run again.

    Raises:
        UserError: It cannot be made again here.
        DifferenceError: It came out differently.
    """
    from debiaslab.study.single import circumstances, find_corpus, make_again, read_recipe

    recipe = read_recipe(open_store(args), args.run)
    corpus = find_corpus(recipe, args.corpus, CACHE)
    found = circumstances(recipe, corpus)
    yield f"run       {recipe.run.name} ({recipe.run.run_id})\n"
    yield from _table(found)
    if recipe.settings.threads > 1:
        yield (
            f"\n{recipe.settings.threads} threads: the order of updates was chance, so equal bytes "
            "are not to be expected"
        )
    verdict = make_again(recipe, corpus)
    yield ""
    yield from _said(verdict)
    if not verdict.identical:
        other = [each.what for each in found if not each.same]
        raise DifferenceError(
            f"the run {recipe.run.run_id} did not come out the same",
            next_step=f"what is other here: {', '.join(other)}"
            if other
            else "docs/how-to/reproduce.md, on what has to be equal",
        )


def _table(rows: tuple[Circumstance, ...]) -> Iterator[str]:
    widths = [
        max(len(text) for text in (head, *column))
        for head, column in (
            ("", [row.what for row in rows]),
            ("as it was", [row.then for row in rows]),
        )
    ]
    yield f"{'':{widths[0]}}  {'as it was':{widths[1]}}  here"
    for row in rows:
        here = "the same" if row.same else row.here
        yield f"{row.what:{widths[0]}}  {row.then:{widths[1]}}  {here}"


def _said(verdict: Verdict) -> Iterator[str]:
    if not verdict.same_words:
        yield "vectors   of other words, or another dimension"
    elif verdict.largest == 0:
        yield "vectors   identical, bit for bit"
    else:
        yield (
            f"vectors   differ by at most {verdict.largest:.3g}; smallest cosine between the two "
            f"vectors of a word {verdict.cosine:.6f}"
        )
    equal = verdict.measured - len(verdict.differing)
    yield f"scorecard {equal} of {verdict.measured} numbers identical"
    for name, then, here in verdict.differing[:_SHOWN]:
        yield f"          {name}: {then:.6g} → {here:.6g}"
    if len(verdict.differing) > _SHOWN:
        yield f"          and {len(verdict.differing) - _SHOWN} more"
    if verdict.elsewhere:
        yield (
            f"          {verdict.elsewhere} more need the baseline's vectors, which the store does "
            "not have"
        )
