"""Commands that list what is registered: debiasing strategies, and metrics of the scorecard."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from debiaslab.commands.options import Command, Said
from debiaslab.settings.options import Text, command, option

if TYPE_CHECKING:
    from debiaslab.metrics import Metric
    from debiaslab.regularizers import Strategy

_STAGES = {
    "none": "the baseline",
    "pre": "before training: the text is changed",
    "in": "during training: a penalty joins the loss",
    "post": "after training: the vectors are changed",
}
_WIDTH = 100


@command
class _Listing(Command):
    names: tuple[Text, ...] = option(
        "only these, with all they say", default=(), flag="names", metavar="NAME"
    )


@command
class StrategiesCommand(_Listing):
    """List the debiasing strategies: stage, range of λ, knobs and citation."""

    examples = """examples:
  python -m debiaslab strategies
  python -m debiaslab strategies projection"""

    def run(self) -> Said:
        """Print the strategies stage by stage, or what the named ones say of themselves."""
        from debiaslab import regularizers

        if self.names:
            yield from (_strategy_details(regularizers.get(name)) for name in self.names)
            return
        known = [regularizers.get(name) for name in regularizers.strategy_names()]
        for stage, title in _STAGES.items():
            found = [strategy for strategy in known if strategy.stage == stage]
            yield from _section(title, map(_strategy, found)) if found else ()
        yield "Join them with +, as in cds+projection: one before, any during, one after training."


def _strategy(strategy: type[Strategy]) -> str:
    control = " (a control, not to be used)" if strategy.control else ""
    first = (strategy.__doc__ or "").splitlines()[0]
    settings = ", ".join([lambda_range(strategy), *knobs_of(strategy)])
    return _entry(f"{strategy.name}{control}", first, settings, strategy.citation)


def _strategy_details(strategy: type[Strategy]) -> str:
    from inspect import cleandoc

    return (
        f"{strategy.name} · {_STAGES[strategy.stage]}\n\n{cleandoc(strategy.__doc__ or '')}\n\n"
        f"words: {_words(strategy)}\n{lambda_range(strategy)}\n"
        f"knobs: {', '.join(knobs_of(strategy)) or 'none'}\n"
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


def lambda_range(strategy: type[Strategy]) -> str:
    """Return the range in which λ is searched."""
    from debiaslab.regularizers import LogUniform

    space = strategy.search_space.get("weight")
    return f"λ {space.low:g} – {space.high:g}" if isinstance(space, LogUniform) else "no λ"


def knobs_of(strategy: type[Strategy]) -> list[str]:
    """Return the settings besides λ with their defaults."""
    from dataclasses import fields

    return [f"{knob.name}={knob.default}" for knob in fields(strategy) if knob.name != "weight"]


@command
class MetricsCommand(_Listing):
    """List the metrics: what each measures and needs, what is better, whether it has a null.

    A null is what random words show in the place of a metric's words: without one, nothing says
    which number no bias would give.
    """

    examples = """examples:
  python -m debiaslab metrics
  python -m debiaslab metrics sc_weat lipstick"""

    def run(self) -> Said:
        """Print the metrics family by family, or what the named ones say of themselves."""
        from debiaslab.metrics.evaluation import GROUPS
        from debiaslab.metrics.registry import get, metrics

        if self.names:
            yield from (_metric_details(get(name)) for name in self.names)
            return
        for family in GROUPS:
            found = [metric for metric in metrics().values() if metric.family == family]
            yield from _section(family, map(_metric, found)) if found else ()
        yield (
            "Measure groups of them with: python -m debiaslab evaluate FILE --groups weat,geometry"
        )


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


def _metric(metric: Metric) -> str:
    summary = metric.summary.replace("``", "")
    return _entry(metric.name, summary, "; ".join(facts(metric)), metric.citation)


def _metric_details(metric: Metric) -> str:
    said = "\n".join([*facts(metric), f"source: {metric.citation}"])
    return f"{metric.name} · {metric.family}\n\n{metric.doc}\n\n{said}\n".replace("``", "")


def _section(title: str, entries: Iterator[str]) -> Iterator[str]:
    yield f"{title}\n"
    yield from entries


def _entry(name: str, *lines: str) -> str:
    """Return a name with what is said of it, indented below."""
    blank = " " * 6
    filled = (
        textwrap.fill(x, _WIDTH, initial_indent=blank, subsequent_indent=blank) for x in lines
    )
    return "\n".join([f"  {name}", *(line for line in filled if line.strip())]) + "\n"
