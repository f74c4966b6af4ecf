"""The pages that are made from the code itself: commands, strategies, metrics and the API."""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from debiaslab.metrics import Metric

_API_SKIPPED = {"commands", "cli.py", "__main__.py", "bench.py"}
_STAGES = {
    "none": "The baseline",
    "pre": "Before training: the text is changed",
    "in": "During training: a penalty joins the loss",
    "post": "After training: the vectors are changed",
}


def generated(package: Path) -> dict[str, str]:
    """Return the Markdown of every generated page by its path in the site.

    Args:
        package: Folder of the package.
    """
    return {
        "reference/commands.md": commands(),
        "reference/strategies.md": strategies(),
        "reference/metrics.md": metrics(),
        **api(package),
    }


def commands() -> str:
    """Return one section for each command: what ``--help`` says."""
    from debiaslab.cli import COMMANDS

    parts = ["# Commands", "What `python -m debiaslab COMMAND --help` says, for every command."]
    for name, summary in COMMANDS.items():
        parts += [f"## {name} {{#{name}}}", f"{summary[0].upper()}{summary[1:]}."]
        parts.append(f"```text\n{parser_of(name).format_help().rstrip()}\n```")
    return "\n\n".join(parts) + "\n"


def parser_of(name: str) -> argparse.ArgumentParser:
    """Return the parser of one command."""
    from debiaslab.cli import command_class
    from debiaslab.commands.options import prepare

    parser = argparse.ArgumentParser(prog=f"python -m debiaslab {name}", formatter_class=_Help)
    prepare(parser, command_class(name))
    return parser


class _Help(argparse.RawDescriptionHelpFormatter):
    """Of one width, whatever the terminal that builds the site."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=88)


def strategies() -> str:
    """Return one section for each registered strategy: what it says of itself."""
    from debiaslab import regularizers

    known = [regularizers.get(name) for name in regularizers.strategy_names()]
    parts = [
        "# Strategies in the registry",
        "What each strategy says of itself, as `python -m debiaslab strategies NAME` prints it. "
        "Formulas, and what can be expected of each: "
        "[Strategies, explained](../explain/strategies/index.md).",
    ]
    for stage, title in _STAGES.items():
        found = [strategy for strategy in known if strategy.stage == stage]
        if found:
            parts += [f"## {title}", *(_strategy(each) for each in found)]
    return "\n\n".join(parts) + "\n"


def _strategy(strategy: type) -> str:
    from debiaslab.commands.registries import knobs_of, lambda_range

    control = (
        "\n\nA control: there to be compared with, not to be used." if strategy.control else ""
    )
    knobs = ", ".join(f"`{knob}`" for knob in knobs_of(strategy)) or "none"
    said = cleandoc(strategy.__doc__ or "")
    return (
        f"### {strategy.name} {{#{strategy.name}}}\n\n```text\n{said}\n```{control}\n\n"
        f"- {lambda_range(strategy)}; knobs: {knobs}\n- source: {strategy.citation}\n"
        f"- code: `{strategy.__module__}`"
    )


def metrics() -> str:
    """Return one section for each registered metric: what it says of itself."""
    from debiaslab.metrics.registry import metrics as known

    parts = [
        "# Metrics in the registry",
        "What each metric says of itself, as `python -m debiaslab metrics NAME` prints it. "
        "Formulas, and what can be expected of each: "
        "[Metrics, explained](../explain/metrics/index.md).",
    ]
    return "\n\n".join([*parts, *map(_metric, known().values())]) + "\n"


def _metric(metric: Metric) -> str:
    from debiaslab.commands.registries import facts

    said = "".join(f"- {each}\n" for each in facts(metric))
    return (
        f"## {metric.name} {{#{metric.name}}}\n\n```text\n{metric.doc}\n```\n\n{said}"
        f"- source: {metric.citation}\n- code: `{metric.module}`"
    )


def api(package: Path) -> dict[str, str]:
    """Return a page for each subpackage and one for the modules beside them."""
    pages = {}
    folders = [each for each in sorted(package.iterdir()) if (each / "__init__.py").is_file()]
    for folder in folders:
        if folder.name not in _API_SKIPPED:
            pages[f"reference/api/{folder.name}.md"] = _api_page(package, folder.name, folder)
    pages["reference/api/modules.md"] = _api_page(package, "modules", None)
    parts = ["# Python API", _summary(package / "__init__.py")]
    rows = [
        f"| [`debiaslab.{_stem(page)}`]({_stem(page)}.md) | {_first(package, page)} |"
        for page in pages
        if _stem(page) != "modules"
    ]
    rows.append("| [single modules](modules.md) | cli, errors, … |")
    parts.append("| package | |\n|---|---|\n" + "\n".join(rows))
    return {"reference/api/index.md": "\n\n".join(parts) + "\n", **pages}


def _api_page(package: Path, name: str, folder: Path | None) -> str:
    title = f"debiaslab.{name}" if folder else "Single modules"
    files = sorted((folder or package).rglob("*.py") if folder else package.glob("*.py"))
    parts = [f"# {title}"]
    for file in files:
        relative = file.relative_to(package)
        if relative.name.startswith("__") or relative.parts[0] in _API_SKIPPED:
            continue
        if list(_public(file)):
            dotted = ".".join(["debiaslab", *relative.with_suffix("").parts])
            parts.append(f"## {dotted.removeprefix(f'debiaslab.{name}.')}\n\n::: {dotted}")
    return "\n\n".join(parts) + "\n"


def _public(file: Path) -> Iterator[str]:
    """Yield the names of public classes and functions that a module defines."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        named = isinstance(node, ast.ClassDef | ast.FunctionDef)
        if named and not node.name.startswith("_"):
            yield node.name


def _stem(page: str) -> str:
    return Path(page).stem


def _first(package: Path, page: str) -> str:
    said = _summary(package / _stem(page) / "__init__.py").splitlines()
    return said[0] if said else ""


def _summary(file: Path) -> str:
    return ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
