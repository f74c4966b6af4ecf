"""What the MLflow UI says of a study and of its runs before anything else, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from debiaslab import regularizers
from debiaslab.report import TrialRow, headline, sweep_markdown
from debiaslab.report.verdict import verdict
from debiaslab.study.objective import FORMULA
from debiaslab.tracking.ui_views import run_page, view_page

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.study.objective import Outcome
    from debiaslab.study.plan import Plan

_STAGES = {"pre": "before training", "in": "during training", "post": "after training"}
_READING = """\
- **bias** is in units of what random words show in the baseline: 1 is what they reach one time in
  twenty, so below 1 there is little to see. Smaller is better.
- **retention** is word similarity divided by the baseline's (λ = 0, same seed): 1 is nothing lost.
- **tune** words steered the search. **report** words were held out of it: read those.
- **score** is what the search made small, from tune words alone."""


def study_note(
    plan: Plan,
    corpus: Corpus,
    experiment: str,
    parent: str,
    *,
    rows: Sequence[TrialRow] = (),
    words: str = "",
    warnings: Sequence[str] = (),
) -> str:
    """Return the description of a sweep.

    Args:
        plan: The study.
        corpus: Its corpus.
        experiment: MLflow experiment, for the links.
        parent: MLflow run of the study.
        rows: What has finished; none while the study runs for the first time.
        words: What was covered, tuned on and reported on.
        warnings: What the reader should know.
    """
    return "\n\n".join(
        part
        for part in (
            _finding(rows),
            _links(experiment, parent, report=bool(rows), figure="sweep" if rows else None),
            _question(plan, corpus),
            sweep_markdown([row for row in rows if row.best or row.trial is None]) if rows else "",
            "### How to read it\n\n" + _READING,
            f"```\n{words}\n```" if words else "",
            "\n".join(f"- **Note:** {warning}" for warning in warnings),
            f"```\n{FORMULA}\n```",
        )
        if part
    )


def comparison_note(table: str, experiment: str, parent: str) -> str:
    """Return the description of a comparison; ``table`` is Markdown."""
    return "\n\n".join(
        (
            "**Question.** Which strategy takes most bias out of the same text with the same "
            "seeds, and what does each cost?",
            _links(experiment, parent, figure="heat_map"),
            table,
            "### How to read it\n\n" + _READING,
        )
    )


def run_note(label: str | None, seed: int, outcome: Outcome | None) -> str:
    """Return the description of one run; the baseline has no ``label``."""
    what = "The baseline: no strategy (λ = 0)" if label is None else f"`{label}`"
    lines = [f"{what}, seed {seed}."]
    if outcome is not None:
        lines.append(
            f"Bias on report words {_shown(outcome.bias_report)}, on tune words "
            f"{_shown(outcome.bias_tune)} (1: what random words reach one time in twenty); "
            f"retention {_shown(outcome.retention_report)} on report pairs, "
            f"{_shown(outcome.retention_tune)} on tune pairs; score {outcome.score:.3f}."
        )
    lines.append("`report.html` under *Artifacts* shows everything that was measured.")
    return "\n\n".join(lines)


def _finding(rows: Sequence[TrialRow]) -> str:
    if not rows:
        return "**Nothing is chosen yet**: the search runs, or was interrupted."
    found = verdict(rows)
    return f"**{headline(rows) if found is None else found.sentence}**"


def _links(experiment: str, parent: str, *, report: bool = False, figure: str | None) -> str:
    links = {
        "runs, the best first": view_page(experiment, parent, charts=False),
        "charts of λ, bias and retention": view_page(experiment, parent, charts=True),
    }
    if report:
        links["the report"] = run_page(experiment, parent, "/artifacts/report.html")
    if figure is not None:
        links["figures"] = run_page(experiment, parent, f"/artifacts/figures/{figure}.png")
    return "Open: " + " · ".join(f"[{name}]({link})" for name, link in links.items())


def _question(plan: Plan, corpus: Corpus) -> str:
    size: dict[str, Any] = corpus.describe()
    seeds = "one seed" if len(plan.seeds) == 1 else f"{len(plan.seeds)} seeds"
    lines = [
        f"**Question.** How much gender bias does `{plan.strategy}` take out of word embeddings, "
        "at which λ, and how much word similarity does it cost?",
        f"**Corpus.** {corpus.name}: {size['documents']:,} documents, {size['tokens']:,} tokens, "
        f"{size['types']:,} types.",
        *(f"**Strategy.** {_strategy(name)}" for name in plan.strategy.split("+")),
        f"**Budget.** Up to {plan.trials} values of λ, each with {seeds}, and a "
        f"baseline (λ = 0) of every seed. Cover: `{plan.cover}`.",
    ]
    return "\n\n".join(lines)


def _strategy(name: str) -> str:
    known = regularizers.get(name)
    about = (known.__doc__ or "").strip().splitlines()
    first = f": {about[0]}" if about else ""
    return f"`{name}`, {_STAGES.get(known.stage, known.stage)}{first}"


def _shown(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f}"
