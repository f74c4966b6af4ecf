"""Commands on finished vectors: write them, show neighbours, say how far scores can be trusted."""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from debiaslab.commands.options import Input, Output, Said, VectorsInput
from debiaslab.commands.stores import (
    ReadsStore,
    ReadsVectors,
    best_run,
    one_of,
    open_store,
    run_vectors,
    study_name,
)
from debiaslab.errors import UserError
from debiaslab.settings.options import Real, Text, Whole, command, option
from debiaslab.settings.training import LARGEST_SEED

if TYPE_CHECKING:
    from debiaslab.lexicons import AssociationTest, Attribute, Half
    from debiaslab.metrics.reliability import PairSensitivity
    from debiaslab.vectors.embeddings import Embeddings

    _Sensitivity = list[tuple[PairSensitivity, ...]]  # of each file


_CODALAB = (".csv", ".zip")
_VECTORS = {".txt": "word2vec", ".bin": "bin", ".kv": "kv", ".npz": "npz"}  # ending → format


@command
class ExportCommand(ReadsStore):
    """Write the CodaLab file (word1,word2,sim) of a run, or its vectors in another format.

    The ending of --out decides: .csv and .zip give the CodaLab file, .txt and .bin (word2vec), .kv
    (gensim) and .npz (numpy) the vectors.
    """

    examples = """examples:
  python -m debiaslab export --study NAME --out submission.zip
  python -m debiaslab export --run RUN_ID --pairs word-pairs.csv --out submission.csv
  python -m debiaslab export --study NAME --out vectors.kv"""
    study: Text | None = study_name("--run")
    run_id: Text | None = option(
        "take this run: its id, or its first letters", default=None, flag="--run", metavar="ID"
    )
    pairs: Input | None = option(
        "pairs to score, header word1,word2; none: the 1,630 pairs", default=None, metavar="CSV"
    )
    missing: Real = option(
        "sim of a pair with a word not in the vocabulary", default=0.0, ge=-1, le=1
    )
    format: Literal["word2vec", "bin", "kv", "npz"] | None = option(
        "write the vectors, as word2vec, bin, kv or npz", default=None
    )
    out: Output | None = option("file to write; none: submission.csv", default=None, metavar="FILE")

    def run(self) -> Said:
        """Write the file that was asked for."""
        from debiaslab import vectors
        from debiaslab.leaderboard.export import codalab, default_pairs, read_pairs
        from debiaslab.system.files import check_output, refuse_overwriting

        one_of(study=self.study, run=self.run_id)
        form = self._format()
        out = self.out or (f"vectors{_ending(form)}" if form else "submission.csv")
        check_output(out)
        refuse_overwriting([("--out", Path(out))], [] if self.pairs is None else [self.pairs])
        pairs = default_pairs() if self.pairs is None else read_pairs(self.pairs)
        store = open_store(self.store)
        run = best_run(store, self.run_id, self.study)
        embeddings = run_vectors(store, run)
        name = f"run {run.name} ({run.run_id})"
        if form is not None:
            yield f"wrote {vectors.write(embeddings, out, form)}: {embeddings!r} of {name}"
            return
        result = codalab(embeddings, pairs, out, missing=self.missing)
        if result.warning:
            warnings.warn(result.warning, stacklevel=1)
        yield f"wrote {result.path}: {result.rows:,} pairs of {name}"

    def _format(self) -> str | None:
        """Return the vector format that is asked for; None for the CodaLab file.

        Raises:
            UserError: The ending names no format, or contradicts the one that was given.
        """
        if self.out is None:
            return self.format
        out = Path(self.out)
        ending = out.suffix.lower()
        named = _VECTORS.get(ending)
        if self.format is None and named is None and ending not in _CODALAB:
            raise UserError(
                f"--out was {out}",
                allowed=f"{', '.join(_CODALAB)} (CodaLab), {', '.join(_VECTORS)} (vectors)",
                next_step=f"--out {out.stem or 'submission'}.zip",
            )
        if self.format and (ending in _CODALAB or named not in (None, self.format)):
            raise UserError(
                f"--format {self.format} and --out {out} do not go together",
                next_step=f"--out {out.stem}{_ending(self.format)}",
            )
        return self.format or named


def _ending(form: str) -> str:
    return next(ending for ending, known in _VECTORS.items() if known == form)


def _two_words(text: str) -> tuple[str, ...]:
    """Read ``man,woman``."""
    words = tuple(part.strip() for part in text.split(","))
    if len(words) != 2 or not all(words):
        raise argparse.ArgumentTypeError(f"{text!r} is not two words, such as man,woman")
    return words


@command
class NeighborsCommand(ReadsVectors, ReadsStore):
    """Show the nearest words of a word by cosine, or what it is by analogy, in one or two sets."""

    examples = """examples:
  python -m debiaslab neighbors university --vectors vectors.kv
  python -m debiaslab neighbors nurse --study NAME
  python -m debiaslab neighbors nurse --run RUN_ID --compare OTHER_RUN_ID
  python -m debiaslab neighbors doctor --analogy man,woman --vectors vectors.kv"""
    word: Text = option("", flag="word", metavar="WORD")
    vectors: VectorsInput | None = option("vectors from a file", default=None, metavar="FILE")
    run_id: Text | None = option(
        "vectors of a run: id, or its first letters", default=None, flag="--run", metavar="ID"
    )
    study: Text | None = option("vectors of the best run of a study", default=None, metavar="NAME")
    compare: VectorsInput | None = option(
        "a second run, or file, side by side", default=None, metavar="RUN2|FILE"
    )
    analogy: tuple[Text, Text] | None = option(
        "A : WORD :: B : ? instead, such as man,woman: with the question's words and without",
        default=None,
        metavar="A,B",
        parse=_two_words,
    )
    n: Whole = option("how many words", default=10, ge=1, flag="-n")

    def run(self) -> Said:
        """Print the neighbours, or the answers to an analogy."""
        from debiaslab.report.tables import analogy_table, neighbors_table

        one_of(vectors=self.vectors, run=self.run_id, study=self.study)
        first, label = self._first()
        second, other = (None, label) if self.compare is None else self._second(self.compare)
        if self.analogy is None:
            yield neighbors_table(first, self.word, self.n, second, (label, other))
            return
        for embeddings, name in ((first, label), (second, other)):
            if embeddings is not None:
                if second is not None:
                    yield name
                yield analogy_table(embeddings, self.word, self.analogy, self.n, name)

    def _first(self) -> tuple[Embeddings, str]:
        if self.vectors is not None:
            return self.reader().read(self.vectors), self.vectors
        store = open_store(self.store)
        run = best_run(store, self.run_id, self.study)
        return run_vectors(store, run), run.name

    def _second(self, named: str) -> tuple[Embeddings, str]:
        if Path(named).exists() or Path(named).suffix:  # run ids have no dot
            return self.reader().read(named), named
        store = open_store(self.store)
        run = store.run_named(named)
        return run_vectors(store, run), run.name


OCCUPATIONS, PAIRS = "occupations", "definitional_pairs"


@command
class ReliabilityCommand(ReadsVectors):
    """How far bias scores can be trusted: over pairs, words, scoring rules, and training seeds."""

    examples = """examples:
  python -m debiaslab reliability vectors.kv
  python -m debiaslab reliability seed1.kv seed2.kv seed3.kv
  python -m debiaslab reliability vectors.kv --lexicon race --lexicon my_lists.yaml
  python -m debiaslab reliability debiased1.kv debiased2.kv --baseline plain1.kv plain2.kv"""
    vectors: tuple[VectorsInput, ...] = option(
        "vectors; several: one a training seed, of the same text and settings",
        flag="vectors",
        metavar="FILE",
    )
    baseline: tuple[VectorsInput, ...] = option(
        "as many vectors of another kind, the same seeds in the same order: compared in pairs",
        default=(),
        metavar="FILE",
        nargs="+",
    )
    words: Literal["all", "tune", "report"] = option(
        "words and pairs: all, tune or report", default="report"
    )
    lexicon: tuple[Input, ...] = option(
        "also the sensitivity of the attributes and tests of this file, or of an attribute that "
        "ships: race, religion, ethnicity",
        default=(),
        metavar="FILE|NAME",
    )
    json: Output | None = option(
        "also write every number to this file", default=None, metavar="OUT"
    )
    seed: Whole = option("seed of the resamples", default=0, ge=0, le=LARGEST_SEED)

    def run(self) -> Said:
        """Show sensitivity, consistency and agreement of each file, then over the files."""
        from debiaslab.commands.evaluate_inputs import load_lexicons
        from debiaslab.lexicons import load, load_pairs
        from debiaslab.metrics.reliability import inter_rule, list_consistency, retest_reliability
        from debiaslab.report.reliability import (
            attribute_view,
            consistency_view,
            paired_view,
            retest_view,
            rules_view,
            sensitivity_view,
        )

        if self.baseline and len(self.baseline) != len(self.vectors):
            raise UserError(
                f"{len(self.vectors)} files were to be paired with {len(self.baseline)} of "
                "--baseline",
                allowed="as many, the same seeds in the same order",
            )
        half: Half = self.words
        words, pairs = load(OCCUPATIONS).half(half), load_pairs(PAIRS).half(half)
        attributes, tests = load_lexicons(self.lexicon)
        reader = self.reader()
        vectors, before = (
            list(map(reader.in_order, files)) for files in (self.vectors, self.baseline)
        )
        sensitivity, of_lexicons = _sensitivity(vectors, before, half, attributes, tests)
        consistency = [list_consistency(each, half, attributes) for each in vectors]
        rules = [inter_rule(each, words, pairs, seed=self.seed) for each in vectors]
        said = [
            f"{len(words)} occupations and {len(pairs)} definitional pairs ({half} words)",
            *sensitivity_view(self.vectors, sensitivity),
            *(attribute_view(self.vectors, of_lexicons) if self.lexicon else ()),
            *consistency_view(self.vectors, consistency),
            *rules_view(self.vectors, rules),
        ]
        document: dict[str, Any] = {
            "words": half,
            "vectors": self.vectors,
            "leave_one_pair_out": [[asdict(each) for each in found] for found in sensitivity],
            "leave_one_out_of_lexicons": [
                [asdict(each) for each in found] for found in of_lexicons
            ],
            "internal_consistency": [asdict(each[OCCUPATIONS]) for each in consistency],
            "internal_consistency_of_lists": [
                {name: asdict(each) for name, each in found.items()} for found in consistency
            ],
            "inter_rule": [asdict(each) for each in rules],
        }
        if len(vectors) > 1:
            retest = {
                rule: retest_reliability(vectors, words, pairs, rule, seed=self.seed)
                for rule in ("projection", "association", "ripa")
            }
            said += retest_view(retest)
            document["test_retest"] = {rule: asdict(each) for rule, each in retest.items()}
        if self.baseline:
            records = _paired(before, vectors, self.seed)
            shown = [record for record in records if record.words in (half, "all")]
            said += paired_view(shown, half)
            document["baseline"] = self.baseline
            document["paired"] = [asdict(each) for each in records]
        if self.json is not None:
            said.append(_write(self.json, document))
        yield from said


def _sensitivity(
    vectors: Sequence[Embeddings],
    before: Sequence[Embeddings],
    half: Half,
    attributes: Sequence[Attribute],
    tests: Sequence[AssociationTest],
) -> tuple[_Sensitivity, _Sensitivity]:
    """Return, for each file, what changes with a gender pair, and with a word of the lexicons."""
    from tqdm import tqdm

    from debiaslab.metrics.reliability import (
        attribute_sensitivity,
        pair_sensitivity,
        weat_sensitivity,
    )

    of_pairs: _Sensitivity = []
    of_lexicons: _Sensitivity = []
    files = zip(vectors, before or vectors, strict=True)
    for each, baseline in tqdm(files, "sensitivity", len(vectors), unit="file", delay=2):
        of_pairs.append(pair_sensitivity(each, half, baseline))
        found = [attribute_sensitivity(each, attribute, half) for attribute in attributes]
        own = (weat_sensitivity(each, test, half) for test in tests)
        of_lexicons.append((*own, *chain.from_iterable(found)))
    return of_pairs, of_lexicons


def _paired(first: Sequence[Embeddings], second: Sequence[Embeddings], seed: int) -> Any:
    """Compare the scorecards, with the nulls that MAC is compared with, without intervals."""
    from tqdm import tqdm

    from debiaslab.metrics import evaluate
    from debiaslab.metrics.comparison import paired_scorecards

    groups = ["weat", "association", "geometry", "similarity", "collapse"]
    with tqdm(total=len(first) + len(second), desc="scorecards", unit="file", delay=2) as bar:
        cards: list[Any] = []
        for each in (*first, *second):
            cards.append(evaluate(each, groups=groups, bootstrap=0, seed=seed))
            bar.update()
    return paired_scorecards(cards[: len(first)], cards[len(first) :], seed=seed)


def _write(path: str, document: dict[str, Any]) -> str:
    from debiaslab.system.files import write_file

    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    write_file(path, text + "\n")
    return f"wrote {path}"
