"""Scorecards as runs of the store, for ``evaluate --log``."""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from debiaslab.commands.arguments import check_store

if TYPE_CHECKING:
    from debiaslab.commands.evaluate_inputs import Subject
    from debiaslab.metrics import Scorecard
    from debiaslab.tracking import Store


@dataclass(frozen=True)
class Evaluations:
    """Where scorecards are logged, and what they were asked for with."""

    store: Store
    parent: str | None  # run id of the study
    params: dict[str, Any]

    @classmethod
    def open(cls, args: argparse.Namespace) -> Evaluations:
        """Open the store, which is made when it is new.

        Raises:
            UserError: It cannot be opened, or the study is not in it.
        """
        from debiaslab import lexicons
        from debiaslab.tracking import Store

        check_store(args)
        store = Store.open(args.store)
        parent = None if args.study is None else store.study_named(args.study).run_id
        params = {
            "seed": args.seed,
            "quick": args.quick,
            "groups": ",".join(args.groups or ["default"]),
            "baseline": args.baseline,
            "similarity": ", ".join(args.similarity),
            "analogies": ", ".join(args.analogies),
            "lexicon": ", ".join(args.lexicon),
            "lexicon_versions": json.dumps(lexicons.versions(), sort_keys=True),
        }
        return cls(store, parent, params)

    def add(self, subject: Subject, card: Scorecard) -> str:
        """Log metrics, JSON and tables of one scorecard as a run, and return its id."""
        from debiaslab.metrics import scorecards_csv
        from debiaslab.study.run import flat, log_provenance
        from debiaslab.tracking.names import (
            EVALUATED_TAG,
            EVALUATION_KIND,
            KIND_TAG,
            SCORECARD,
            SCORECARD_CSV,
            SCORECARD_TABLE,
        )

        params = {
            "vectors": subject.label,
            "words": len(subject.embeddings),
            "dim": subject.embeddings.dim,
            **self.params,
        }
        tags = {KIND_TAG: EVALUATION_KIND}
        if subject.run_id is not None:
            tags[EVALUATED_TAG] = subject.run_id
        name = f"evaluation · {card.vectors}"
        with self.store.start(
            name, parent=self.parent, params=params, tags=tags, dataset=None
        ) as log:
            log_provenance(log)
            log.metrics({_metric_name(key): value for key, value in flat(card).items()})
            log.json(card.to_dict(), SCORECARD)
            log.text(card.table(), SCORECARD_TABLE)
            log.text(scorecards_csv([card]), SCORECARD_CSV)
        return log.run_id


def _metric_name(key: str) -> str:
    """Return ``key`` with only what MLflow takes: a similarity set is called after its file."""
    return re.sub(r"[^\w\-. :/]", "_", key, flags=re.ASCII)
