"""What a report holds, and how it comes from the results of a study or from one run.

One pipeline for sweeps, comparisons, gender-blind floors, planted-bias controls and single runs.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from debiaslab.metrics.comparison import warnings_of
from debiaslab.metrics.scorecard import null_remarks
from debiaslab.metrics.vocabulary import shortlist
from debiaslab.report import tables
from debiaslab.report.comparison import sentence
from debiaslab.report.figures import AssociationSize, Trainings, association_sizes
from debiaslab.report.planted import finding, followed, planted_table, words_of
from debiaslab.report.style import Drawing, drawings
from debiaslab.report.verdict import compared_verdict, sweep_finding
from debiaslab.report.words import NeighborIndex, WordPair, neighbor_index
from debiaslab.tables import Table
from debiaslab.tracking.names import REASON_TAG, YARDSTICK

if TYPE_CHECKING:
    from debiaslab.metrics import Record, Scorecard
    from debiaslab.results import RunResults, StudyResults, TrialRow
    from debiaslab.results.runs import HeldOut


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
        warnings: Reasons not to trust the finding.
        facts: What the text is, how it was done, what it cost: by title and name.
        tables: The tables.
        origin: Code, versions, machine, fingerprint, by name.
        drawings: The figures.
        neighbors: Neighbours before and after; None when no trial has finished.
        paragraphs: By title: which words were tuned on, and which were not.
        formula: The objective, as text.
        commands: What to type to make it again.
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
    pictures = [*_drawings(study), *(() if after is None else _run_drawings(study, before, after))]
    index = None
    if after is not None:
        note = f"{after.label} against the baseline, seed {after.seed}."
        tests = study.held_out.tuned_on
        pair = WordPair(before.embeddings(), after.embeddings(), tests)
        pictures += drawings("words", pair, note=note)
        index = neighbor_index(pair)
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
        drawings=pictures,
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


def _drawings(study: StudyResults) -> Iterator[Drawing]:
    if study.is_planted:
        return drawings("planted", study.planted)
    if study.is_comparison:
        return drawings("comparison", study.sides)
    best = next((row.weight for row in study.trials if row.best), None)
    strategy = study.params.get("strategy", "NAME")
    chosen = strategy if best is None else f"{strategy}@{best:.4g}"
    return drawings("sweep", study.trials, chosen=chosen)


def _run_drawings(study: StudyResults, before: RunResults, after: RunResults) -> Iterator[Drawing]:
    """Yield how large the associations of a run are, and the course of the trainings made alike."""
    yield from drawings(
        "sizes", association_sizes(after.scorecard, before.scorecard, before.yardstick)
    )
    made = (after.strategy, after.weight, after.knobs)
    alike = [run for run in study.runs if (run.strategy, run.weight, run.knobs) == made]
    starts = [base for run in alike if (base := study.baselines.get(run.seed)) is not None]
    trainings = Trainings(starts, alike)
    yield from drawings("training", trainings, **trainings.said)


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
            f"Which of {_strategies(rivals)} removes most gender bias from word embeddings "
            f"trained on {corpus}, and how much word similarity does each cost?"
        )
    strategy = study.params.get("strategy", "the strategy")
    return (
        f"Does {strategy} remove gender bias from word embeddings trained on {corpus}, at which "
        "λ, and how much word similarity does it cost?"
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
        return tables.how_to_read(study.sides)
    if study.is_comparison:
        return compared_verdict(study.sides).sentence
    return sweep_finding(study.trials, study.tuned)


def _warnings(study: StudyResults, before: RunResults, after: RunResults | None) -> tuple[str, ...]:
    subject, against = (before, None) if after is None else (after, before.scorecard)
    found = list(warnings_of(subject.scorecard, against, seeds=len(study.seeds)))
    found += [] if study.is_comparison or study.is_planted else cautions(study.trials)
    found += study.notes["warnings"]
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
    return tuple(map(sentence, found))


def cautions(rows: Sequence[TrialRow]) -> Iterator[str]:
    """Yield cautions about the numbers of a sweep."""
    biases = [row.bias_tune for row in rows if row.trial is None]
    if biases and max(biases) < 1:
        yield "the baseline itself is below what random words show: there is little bias to remove"
    if any(row.bias_report is None for row in rows):
        yield "bias on report words could not be measured in every run"


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
        doses = ", ".join(f"{each.dose:g}" for each in study.planted.doses)
        return found | {"planted": f"base {study.planted.base}, doses {doses}"}
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


def _paragraphs(study: StudyResults) -> dict[str, tuple[str, ...]]:
    if study.is_planted:
        return {"Words": tuple(words_of(study.planted))}
    held = study.held_out
    said = tuple(study.notes["findings"])
    return {
        **({"Controls" if study.is_comparison else "The search": said} if said else {}),
        "What was held out": (
            f"Acted on: {'; '.join(_acted_on(study))}.",
            f"Tuned on: the tune words of {_listed(held.tuned_on)}, and the tune pairs of "
            "WordSim-353 and SimLex-999. λ was chosen by these numbers.",
            f"Held out: report words are {held.report_words}; nothing was chosen by them. Measured "
            f"on them: {_listed(held.reported_on)}, and every list's report half in the scorecard.",
        ),
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


_MAKE = {"sweep", "compare", "planted", "floor"}  # studies; resume needs one that is there
_TRIALS = re.compile(r" --trials[ =](\S+)")


def commands(study: StudyResults) -> tuple[str, ...]:
    """Return the command that makes the study, and the one of its report.

    A study that was resumed keeps ``resume`` as its last command; the one that made it is that of
    its first run, with the number of trials that was asked for last. A study that a program made, a
    notebook for instance, has no command.
    """
    report = shlex.join(["python", "-m", "debiaslab", "report", "--study", study.name])
    trials: str | None = None
    asked: tuple[StudyResults | RunResults, ...] = (study, study.runs[-1], study.runs[0])
    for kept in asked:
        _, *arguments = kept.provenance.get("argv") or [""]
        line = shlex.join(["python", "-m", "debiaslab", *arguments])
        if next((word for word in arguments if not word.startswith("-")), "") in _MAKE:
            return line if trials is None else f"{_TRIALS.sub('', line)} --trials {trials}", report
        if trials is None and (found := _TRIALS.search(line)) is not None:
            trials = found[1]
    return (report,)


# One run --------------------------------------------------------------------------------------


def run_drawings(
    sizes: Sequence[AssociationSize],
    loss: Sequence[tuple[int, float]],
    penalty: Sequence[tuple[int, float]] = (),
) -> Iterator[Drawing]:
    """Yield the figures of one run: ``associations``, and ``loss`` when it was trained.

    Args:
        sizes: See :func:`association_sizes`; without one there is no such figure.
        loss: ``(words trained, loss)``.
        penalty: ``(words trained, penalty)``, drawn below the loss.
    """
    yield from drawings("run", sizes)
    yield from drawings("course", loss, penalty)


@dataclass(frozen=True)
class RunContent:
    """What is known of one run when it has been measured.

    Attributes:
        title: Heading.
        params: Settings to list.
        provenance: What :func:`debiaslab.system.provenance.provenance` returned.
        scorecard: What was measured.
        formula: The objective, as text.
        outcome: Bias, retention and score in units of the objective.
        baseline: Scorecard of the baseline of the same seed, shown beside the run's.
        drawings: See :func:`run_drawings`.
    """

    title: str
    params: Mapping[str, object]
    provenance: Mapping[str, Any]
    scorecard: Scorecard
    formula: str
    outcome: Mapping[str, float | None] | None = None
    baseline: Scorecard | None = None
    drawings: Sequence[Drawing] = ()

    @classmethod
    def of(cls, run: RunResults, formula: str) -> RunContent:
        """Return what the store keeps of a finished run, with its figures.

        Raises:
            UserError: Files of the run are gone, or it has no scorecard.
        """
        scored = run.keeps(YARDSTICK)
        baseline = None if run.baseline is None else run.baseline.scorecard
        sizes = association_sizes(run.scorecard, baseline, run.yardstick if scored else {})
        loss, penalty = run.series("loss"), run.series("penalty")
        shown = penalty if any(value for _, value in penalty) else []
        return cls(
            title=run.info.name,
            params=run.info.params,
            provenance=run.provenance,
            scorecard=run.scorecard,
            formula=formula if scored else "",
            outcome=run.outcome,
            baseline=baseline,
            drawings=list(run_drawings(sizes, loss, shown)),
        )

    def report(self) -> ReportContent:
        """Return the report of the run."""
        records = self.scorecard.records
        outcome = {
            key: tables.NOT_MEASURED if value is None else f"{value:.3f}"
            for key, value in (self.outcome or {}).items()
        }
        provenance = self.provenance
        command = " ".join(provenance.get("argv") or ())
        return ReportContent(
            title=self.title,
            question="What do the vectors of one training show?",
            headline=_run_headline(records, outcome),
            warnings=tuple(warnings_of(self.scorecard, self.baseline)),
            facts={
                **({"In units of the objective": outcome} if outcome else {}),
                "Settings": {key: str(value) for key, value in self.params.items()},
            },
            drawings=self.drawings,
            tables=tables.scorecard_tables(self.scorecard, self.baseline),
            paragraphs=_run_paragraphs(records),
            formula=self.formula,
            origin={**code_origin(provenance), "command": command},
            diff=source_diff(provenance),
        )


def _run_headline(records: Sequence[Record], outcome: Mapping[str, str]) -> str:
    if {"bias_report", "retention_report", "score"} <= outcome.keys():
        return (
            f"Bias on report words {outcome['bias_report']}, retention on report pairs "
            f"{outcome['retention_report']}, score {outcome['score']}, in units of the objective."
        )
    measured = sum(record.reason is None for record in records)
    return f"{measured} of {len(records)} numbers of the scorecard were measured."


def _run_paragraphs(records: Sequence[Record]) -> dict[str, tuple[str, ...]]:
    remarks = tuple(null_remarks(records))
    lost = tuple(
        f"{record.metric} {record.name}, {record.words} words: {record.reason}"
        for record in records
        if record.reason is not None
    )
    missing = sorted({word for record in records for word in record.missing})
    found = {
        "Of the random words": remarks,
        "Not measured": lost,
        "Words of the lists that have no vector": (
            (f"{len(missing)}: {', '.join(missing)}",) if missing else ()
        ),
    }
    return {title: paragraphs for title, paragraphs in found.items() if paragraphs}
