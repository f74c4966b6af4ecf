"""List the metrics: what each measures and needs, what is better, whether it has a null, citation.

A null is what random words show in the place of a metric's words: without one, nothing says which
number no bias would give.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from debiaslab.metrics import Metric

EXAMPLES = """examples:
  python -m debiaslab metrics
  python -m debiaslab metrics sc_weat lipstick"""
_WIDTH = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these, with all they say")


def run(args: argparse.Namespace) -> Iterator[str]:
    """Print the metrics group by group, or what the named ones say of themselves."""
    from debiaslab.metrics.evaluation import GROUPS
    from debiaslab.metrics.registry import get, metrics

    if args.names:
        for name in args.names:
            yield _details(get(name))
        return
    for family in GROUPS:
        found = [metric for metric in metrics().values() if metric.family == family]
        if found:
            yield f"{family}\n"
            yield from map(_short, found)
    yield "Measure groups of them with: python -m debiaslab evaluate FILE --groups weat,geometry"


def facts(metric: Metric) -> list[str]:
    """Return what it needs, what is better, and whether it has a null."""
    settings = ", ".join(f"{name}={value}" for name, value in metric.settings.items())
    return [
        f"needs {metric.needs}",
        f"better: {_better(metric)}",
        "a null of random words" if metric.has_null else "no null",
        *([f"settings: {settings}"] if settings else []),
    ]


def _better(metric: Metric) -> str:
    compared = "" if metric.key == "value" else f" ({metric.key})"
    if metric.better is None:
        return "neither"
    if isinstance(metric.better, str):
        return metric.better + compared
    return ", ".join(f"{name} {better}" for name, better in metric.better.items())


def _short(metric: Metric) -> str:
    what = [_indented(metric.summary.replace("``", "")), _indented("; ".join(facts(metric)))]
    return "\n".join([f"  {metric.name}", *what, _indented(metric.citation)]) + "\n"


def _details(metric: Metric) -> str:
    said = "\n".join([*facts(metric), f"source: {metric.citation}"])
    return f"{metric.name} · {metric.family}\n\n{metric.doc}\n\n{said}\n".replace("``", "")


def _indented(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)
