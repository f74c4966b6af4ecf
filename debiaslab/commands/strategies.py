"""List the debiasing strategies with their stage, λ search space and citation."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

EXAMPLES = """example:
  python -m debiaslab strategies"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command: there are none."""


def run(args: argparse.Namespace) -> Iterator[str]:
    """Print one line a strategy."""
    from debiaslab import regularizers

    yield f"{'name':12} {'stage':6} {'λ from – to':16} what it does, citation"
    for name in regularizers.strategy_names():
        strategy = regularizers.get(name)
        space = strategy.search_space.get("weight")
        ends = "–" if space is None else f"{space.low:g} – {space.high:g}"
        what = (strategy.__doc__ or "").splitlines()[0]
        yield f"{name:12} {strategy.stage:6} {ends:16} {what}\n{'':36} {strategy.citation}"
