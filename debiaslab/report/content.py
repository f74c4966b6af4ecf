"""What a report holds, and how it comes from a study as the tracking store has it.

One pipeline for sweeps, comparisons, gender-blind floors and planted-bias controls; a single run
has its own content (:mod:`debiaslab.report.run_content`) and the same writers.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from debiaslab.metrics.comparison import warnings_of
from debiaslab.metrics.vocabulary import shortlist
from debiaslab.report import tables
from debiaslab.report.drawings import (
    Drawing,
    comparison_drawings,
    planted_drawings,
    size_drawings,
    sweep_drawings,
    training_drawings,
    word_drawings,
)
from debiaslab.report.neighbors import NeighborIndex, neighbor_index
from debiaslab.report.planted import finding, followed, planted_table, words_of
from debiaslab.report.verdict import compared_verdict, verdict
from debiaslab.tables import Table
from debiaslab.tracking.names import REASON_TAG

if TYPE_CHECKING:
    from debiaslab.results import RunResults, StudyResults, TrialRow
    from debiaslab.results.run import HeldOut


TERMS = {
    "tune words, report words": "disjoint halves of every word list. The settings of a penalty and "
    "the objective see tune words only; the headline is the report half, which nothing was chosen "
    "on",
    "cover": "which non-gender words a penalty acts on: tune (the tune words of its lists), "
    "vocabulary (all but the report words) or all. Under tune and vocabulary report words are "
    "unseen; under all they are covered but never tuned on",
    "retention": "utility (word similarity) divided by that of the baseline: the same corpus, seed "
    "and settings with λ = 0. The score uses the tune pairs of the similarity sets",
}


@dataclass(frozen=True)
class ReportContent:
    """The report of one study or run.

    Attributes:
        title: Name of the study.
        question: What it asks.
        headline: What it found, in one sentence, with its interval.
        warnings: What keeps the finding from being trusted.
        facts: What the text is, how it was done, what it cost: by title and name.
        tables: The tables.
        origin: Code, versions, machine, fingerprint, by name.
        drawings: The figures.
        neighbors: Neighbours before and after; None when no trial has finished.
        paragraphs: By title: which words were tuned on, and which were not.
        formula: The objective, as text.
        commands: What to type to do it again.
        diff: Changes to the source that were not committed; empty when there were none.
        hint: Where more is to be had.
        terms: What words of the field mean here.
    """

    title: str
    question: str
    headline: str
    warnings: tuple[str, ...]
    facts: Mapping[str, Mapping[str, str]]
    tables: Sequence[Table]
    origin: Mapping[str, str]
    drawings: Sequence[Drawing] = ()
    neighbors: NeighborIndex | None = None
    paragraphs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    formula: str = ""
    commands: tuple[str, ...] = ()
    diff: str = ""
    hint: str = ""
    terms: Mapping[str, str] = field(default_factory=lambda: TERMS)


FLOOR = "gender-blind"  # the strategy of the floor
_SETTINGS = (
    "engine", "dim", "window", "dynamic", "negatives", "epochs", "subsample", "lr", "optimizer",
    "threads",
)  # fmt: skip


def study_report(
    study: StudyResults,
    *,
    formula: str,
    strategies: Mapping[str, str] | None = None,
    brief: bool = False,
) -> ReportContent:
    """Return the report of a study, from its results alone.

    Args:
        study: As ``open_study`` returns it.
        formula: The objective, as text.
        strategies: Name to what a strategy says of itself.
        brief: Leave out what is read from vectors and scorecards: a sweep leaves such a page.

    Raises:
        UserError: A comparison has not ended.
    """
    before, after = (study.runs[0], None) if brief or study.is_planted else _subjects(study)
    drawings = list(_drawings(study, before, after))
    index = None
    if after is not None:
        vectors = before.embeddings(), after.embeddings()
        note = f"{after.label} against the baseline, seed {after.seed}."
        drawings += word_drawings(*vectors, study.held_out.tuned_on, note)
        index = neighbor_index(*vectors)
    command = shlex.join(["python", "-m", "debiaslab", "report", "--study", study.name])
    return ReportContent(
        title=study.name,
        question=_question(study),
        headline=_headline(study),
        warnings=_warnings(study, before, after),
        facts={
            "Corpus": _corpus(study),
            "Method": _method(study, strategies or {}),
            "Budget": _budget(study),
        },
        drawings=drawings,
        tables=list(_tables(study, before, after)),
        neighbors=index,
        paragraphs=_paragraphs(study),
        formula="" if study.is_planted else formula,
        commands=commands(study),
        origin={
            "corpus fingerprint": str(study.corpus["fingerprint"]),
            **code_origin(study.provenance),
            "word lists": _lexicons(study.runs[0].info.params.get("lexicon_versions")),
            "MLflow run of the study": study.parent.run_id,
            "started": f"{study.parent.start:%Y-%m-%d %H:%M} UTC",
        },
        diff=source_diff(study.provenance),
        hint=f"In short. With word figures and all numbers: {command}" if brief else "",
    )


def _subjects(study: StudyResults) -> tuple[RunResults, RunResults | None]:
    """Return the two runs that are looked at word by word: a baseline, and the one to read.

    Of a comparison it is the strategy with the least bias on report words, controls excepted; of
    both the first seed that has it, as no seed is chosen by its result.
    """
    first = next(iter(study.baselines.values()), study.runs[0])
    if study.is_comparison:
        least = compared_verdict(study.sides).least
        runs = () if least is None else study.sides[least].runs
        after = next((study.run(run_id) for run_id in runs if run_id is not None), None)
    else:
        tried = any(row.best for row in study.trials)
        after = study.best if tried else None
    return (study.baselines.get(after.seed, first), after) if after is not None else (first, None)


def _drawings(
    study: StudyResults, before: RunResults, after: RunResults | None
) -> Iterator[Drawing]:
    if study.is_planted:
        yield from planted_drawings(study.planted)
    elif study.is_comparison:
        yield from comparison_drawings(study.sides)
    else:
        yield from sweep_drawings(study.trials, study.params.get("strategy", "NAME"))
    if after is not None:
        yield from size_drawings(before, after)
        trained = _same(study, after)
        starts = [base for run in trained if (base := study.baselines.get(run.seed)) is not None]
        yield from training_drawings(starts, trained)


def _same(study: StudyResults, run: RunResults) -> list[RunResults]:
    """Return the runs of every seed that were made as this one."""
    made = (run.strategy, run.weight, run.knobs)
    return [each for each in study.runs if (each.strategy, each.weight, each.knobs) == made]


def _tables(study: StudyResults, before: RunResults, after: RunResults | None) -> Iterator[Table]:
    if study.is_planted:
        yield planted_table(study.planted, "Metrics by dose")
    elif study.is_comparison:
        if _is_floor(study):
            yield tables.floor_table(study.sides, "The lipstick tests with and without gender")
        yield tables.means_table(study.sides, "Strategies")
        yield tables.changes_table(study.sides)
    else:
        yield tables.trials_table(study.trials, "Trials")
    yield tables.runs_table(study)
    if after is not None:
        yield tables.records_table(before, after)


def _question(study: StudyResults) -> str:
    corpus = study.corpus["name"]
    if study.is_planted:
        return (
            "Which metrics follow an association of a known dose that was planted in "
            f"{corpus}, and which show one where there is none?"
        )
    if _is_floor(study):
        return f"What do the lipstick tests show in {corpus} without any gender in the text?"
    if study.is_comparison:
        rivals = sum(not side.control for side in study.sides[1:])
        return (
            f"Which of {_strategies(rivals)} takes most gender bias out of word "
            f"embeddings trained on {corpus}, and what of word similarity does each cost?"
        )
    strategy = study.params.get("strategy", "the strategy")
    return (
        f"Does {strategy} take gender bias out of word embeddings trained on {corpus}, at which "
        "λ, and what of word similarity does it cost?"
    )


def _strategies(count: int) -> str:
    return f"{count} {'strategy' if count == 1 else 'strategies'}"


def _is_floor(study: StudyResults) -> bool:
    """Whether all that the baseline is compared with is the text without gender."""
    return study.is_comparison and {each.strategy for each in study.sides[1:]} == {FLOOR}


def _headline(study: StudyResults) -> str:
    if study.is_planted:
        return f"{finding(followed(study.planted))}."
    if _is_floor(study):
        return tables.how_to_read(tables.floor_rows(study.sides))
    if study.is_comparison:
        return compared_verdict(study.sides).sentence
    found = verdict(study.trials)
    return "No trial has finished yet: only the baseline." if found is None else found.sentence


def _warnings(study: StudyResults, before: RunResults, after: RunResults | None) -> tuple[str, ...]:
    subject, against = (before, None) if after is None else (after, before.scorecard)
    found = list(warnings_of(subject.scorecard, against, seeds=len(study.seeds)))
    found += [] if study.is_comparison or study.is_planted else cautions(study.trials)
    if study.parent.status == "RUNNING":
        found.insert(0, "the study has not ended: this is what has finished so far")
    failed = [run for run in study.unfinished if run.status in ("FAILED", "KILLED")]
    if failed:
        found.append(
            f"{len(failed)} runs did not finish: "
            + "; ".join(
                f"{run.name} ({run.tags.get(REASON_TAG, run.status)})" for run in failed[:5]
            )
        )
    return tuple(map(_sentence, found))


def cautions(rows: Sequence[TrialRow]) -> Iterator[str]:
    """Yield what is to be known of the numbers of a sweep."""
    biases = [row.bias_tune for row in rows if row.trial is None]
    if biases and max(biases) < 1:
        yield "the baseline itself is below what random words show: there is little bias to remove"
    if any(row.bias_report is None for row in rows):
        yield "bias on report words could not be measured in every run"


def _sentence(text: str) -> str:
    """Begin with a capital, unless it begins with a symbol such as d."""
    begun = text if text[1:2] == " " else text[0].upper() + text[1:]
    return f"{begun}."


def _corpus(study: StudyResults) -> dict[str, str]:
    corpus = study.corpus
    settings = corpus.get("settings", {})
    return {
        "text": str(corpus["name"]),
        "sources": ", ".join(corpus.get("sources", ())),
        "documents": f"{corpus['documents']:,}",
        "tokens": f"{corpus['tokens']:,} of {corpus['raw_tokens']:,}",
        "types": f"{corpus['types']:,} of {corpus['raw_types']:,}",
        "preparation": ", ".join(f"{k} {v}" for k, v in settings.items() if v is not None),
        "fingerprint": str(corpus["fingerprint"]),
    }


def _method(study: StudyResults, strategies: Mapping[str, str]) -> dict[str, str]:
    training = ", ".join(
        f"{name} {study.params[name]}"
        for name in _SETTINGS
        if study.params.get(name, "None") != "None"
    )
    found = {"training": f"skip-gram with negative sampling: {training}"}
    names = dict.fromkeys(run.strategy for run in study.runs if run.strategy != "baseline")
    for name in names:
        found[name] = strategies.get(name, "a strategy that is not installed here")
    found["seeds"] = ", ".join(map(str, study.seeds))
    if study.is_planted:
        return found | {"planted": f"base {study.planted.base}, doses {_doses(study)}"}
    found["seeds"] += " (the same for the baseline)"
    if study.is_comparison:
        tuned = sum(side.tuning_runs > 0 for side in study.sides)
        found["λ"] = (
            f"chosen by the rule {study.params.get('select', 'composite')} on other seeds for "
            f"{_strategies(tuned)}, given for the rest"
        )
    else:
        found["λ"] = "searched by the objective, which reads tune words only"
    return found


def _budget(study: StudyResults) -> dict[str, str]:
    seconds = sum(run.info.metrics.get("seconds", 0.0) for run in study.runs)
    found = {
        "runs": f"{len(study.runs)} finished, {len(study.unfinished)} not",
        "training": f"{seconds:,.0f} s in all",
    }
    if study.parent.end is not None:
        whole = (study.parent.end - study.parent.start).total_seconds()
        found["from first start to last end"] = f"{whole:,.0f} s"
    if study.is_planted:
        return found
    if study.is_comparison:
        spent = sum(side.tuning_seconds for side in study.sides)
        runs = sum(side.tuning_runs for side in study.sides)
        found["choosing λ"] = f"{runs} further runs, {spent:,.0f} s of training"
    else:
        found["λs tried"] = str(len({row.trial for row in study.trials} - {None}))
    return found


def _doses(study: StudyResults) -> str:
    return ", ".join(f"{each.dose:g}" for each in study.planted.doses)


def _paragraphs(study: StudyResults) -> dict[str, tuple[str, ...]]:
    if study.is_planted:
        return {"Words": tuple(words_of(study.planted))}
    held = study.held_out
    return {
        "What was held out": (
            f"Acted on: {'; '.join(_acted_on(study))}.",
            f"Tuned on: the tune words of {_listed(held.tuned_on)}, and the tune pairs of "
            "WordSim-353 and SimLex-999. λ was chosen by these numbers.",
            f"Held out: report words are {held.report_words}; nothing was chosen by them. Measured "
            f"on them: {_listed(held.reported_on)}, and every list's report half in the scorecard.",
        )
    }


def _acted_on(study: StudyResults) -> Iterator[str]:
    """Yield which words were acted on, and by which strategies where there are several."""
    names: dict[str, dict[str, None]] = {}
    for run in study.runs:
        if run.held_out.covered is not None:
            names.setdefault(_reach(run.held_out), {})[run.strategy] = None
    if not names:
        yield "no strategy has finished"
    for reach, strategies in names.items():
        who = f"{', '.join(strategies)}: " if study.is_comparison else ""
        yield who + reach


def _reach(held: HeldOut) -> str:
    lost = f" (the text lacks {shortlist(held.pairs_missing)})" if held.pairs_missing else ""
    return (
        f"{held.covered:,} non-gender words (cover {held.cover}), given {len(held.pairs)} gender "
        f"pairs that the text has, {', '.join(held.pairs)}{lost}"
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "no test: too few of their words are in this text"


def code_origin(provenance: Mapping[str, Any]) -> dict[str, str]:
    """Return code, versions and machine of a run by name."""
    git = provenance.get("git")
    commit = "not a git checkout"
    if git:
        commit = git["commit"] + (" with uncommitted changes" if git["dirty"] else "")
    packages = provenance.get("packages") or {}
    machine = provenance.get("machine") or {}
    return {
        "git commit": commit,
        "debiaslab": str(provenance.get("debiaslab")),
        "python": str(provenance.get("python")),
        "packages": ", ".join(f"{name} {version or '–'}" for name, version in packages.items()),
        "machine": ", ".join(f"{key} {value}" for key, value in machine.items()),
    }


def source_diff(provenance: Mapping[str, Any]) -> str:
    """Return the changes to the source that were not committed."""
    return (provenance.get("git") or {}).get("diff") or ""


def _lexicons(versions: str | None) -> str:
    """Return a digest of the versions of all word lists, which a run records one by one."""
    if versions is None:
        return "not recorded"
    return f"versions with digest {hashlib.sha256(versions.encode()).hexdigest()[:12]}"


_MAKE = (
    "sweep",
    "compare",
    "planted",
    "floor",
)  # commands that make a study; resume needs one that is there
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
