"""The command that shows how far bias scores can be trusted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from debiaslab.commands.files import Input, Output, VectorsInput
from debiaslab.commands.options import Said
from debiaslab.commands.stores import ReadsVectors
from debiaslab.errors import UserError
from debiaslab.settings.options import Whole, command, option
from debiaslab.settings.training import LARGEST_SEED

if TYPE_CHECKING:
    from debiaslab.lexicons import AssociationTest, Attribute, Half
    from debiaslab.metrics.reliability import PairSensitivity
    from debiaslab.vectors.embeddings import Embeddings

    _Sensitivity = list[tuple[PairSensitivity, ...]]  # of each file

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
    """Compare the scorecards, with nulls, which MAC is held against, but no other intervals."""
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
