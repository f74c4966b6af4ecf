"""List the debiasing strategies: stage, range of λ, knobs and citation."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from debiaslab.regularizers import Strategy

EXAMPLES = """examples:
  python -m debiaslab strategies
  python -m debiaslab strategies projection"""
_STAGES = {
    "none": "the baseline",
    "pre": "before training: the text is changed",
    "in": "during training: a penalty joins the loss",
    "post": "after training: the vectors are changed",
}
_WIDTH = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these, with all they say")


def run(args: argparse.Namespace) -> Iterator[str]:
    """Print the strategies stage by stage, or what the named ones say of themselves."""
    from debiaslab import regularizers

    if args.names:
        for name in args.names:
            yield _details(regularizers.get(name))
        return
    known = [regularizers.get(name) for name in regularizers.strategy_names()]
    for stage, title in _STAGES.items():
        found = [strategy for strategy in known if strategy.stage == stage]
        if found:
            yield f"{title}\n"
            yield from map(_short, found)
    yield "Join them with +, as in cds+projection: one before, any during, one after training."


def _short(strategy: type[Strategy]) -> str:
    control = " (a control, not to be used)" if strategy.control else ""
    what = [
        f"  {strategy.name}{control}",
        _indented((strategy.__doc__ or "").splitlines()[0]),
        _indented(", ".join([_weight(strategy), *_knobs(strategy)])),
        _indented(strategy.citation),
    ]
    return "\n".join(line for line in what if line.strip()) + "\n"


def _details(strategy: type[Strategy]) -> str:
    from inspect import cleandoc

    return (
        f"{strategy.name} · {_STAGES[strategy.stage]}\n\n{cleandoc(strategy.__doc__ or '')}\n\n"
        f"words: {_words(strategy)}\n{_weight(strategy)}\n"
        f"knobs: {', '.join(_knobs(strategy)) or 'none'}\n"
        f"source: {strategy.citation}\n"
    )


def _words(strategy: type[Strategy]) -> str:
    """Return which words it works with."""
    from debiaslab.regularizers import Penalty, PostProcess, Preprocess

    if issubclass(strategy, Preprocess):
        return "gender words of the text"
    if issubclass(strategy, Penalty) and not strategy.needs_neutral:
        return "gender pairs"
    if issubclass(strategy, Penalty | PostProcess):
        return "gender pairs, and the non-gender words that --cover names"
    return "none"


def _weight(strategy: type[Strategy]) -> str:
    from debiaslab.regularizers import LogUniform

    space = strategy.search_space.get("weight")
    return f"λ {space.low:g} – {space.high:g}" if isinstance(space, LogUniform) else "no λ"


def _knobs(strategy: type[Strategy]) -> list[str]:
    from dataclasses import fields

    return [f"{knob.name}={knob.default}" for knob in fields(strategy) if knob.name != "weight"]


def _indented(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)
