"""Optuna's study to and from plain values. No pickle: Optuna's own JSON for distributions."""

from __future__ import annotations

from pathlib import Path

import optuna
from optuna.distributions import distribution_to_json, json_to_distribution
from optuna.trial import FrozenTrial, TrialState

from debiaslab.errors import UserError
from debiaslab.study.archive_model import ArchivedSearch, ArchivedTrial
from debiaslab.study.search import INTERRUPTED
from debiaslab.study.search_storage import open_storage, search_exists, shown, storage_to_read

_RESTORING = "restoring"


def archived_search(root: Path, name: str) -> ArchivedSearch | None:
    """Return the search of a study; None when the store has none of this name.

    A trial that is running is archived as one that was interrupted: it comes again.
    """
    if not search_exists(root):
        return None
    try:
        with storage_to_read(root) as storage:
            study = optuna.load_study(study_name=name, storage=storage)
            return ArchivedSearch(
                directions=[direction.name for direction in study.directions],  # type: ignore[misc]
                user_attrs=study.user_attrs,
                trials=[_archived(trial) for trial in study.get_trials(deepcopy=False)],
            )
    except KeyError:
        return None


def restore_search(root: Path, name: str, search: ArchivedSearch) -> None:
    """Make the Optuna study in the store; `search_is_whole` ends that.

    Raises:
        UserError: There is one of this name that is whole.
    """
    storage = open_storage(root)
    if name in optuna.get_all_study_names(storage):
        if not optuna.load_study(study_name=name, storage=storage).user_attrs.get(_RESTORING):
            raise UserError(
                f"the search of a study {name!r} is in {shown(root)} already",
                next_step="--store with another folder",
            )
        optuna.delete_study(study_name=name, storage=storage)  # a restoration was cut short
    directions = [optuna.study.StudyDirection[direction] for direction in search.directions]
    study = optuna.create_study(study_name=name, storage=storage, directions=directions)
    study.set_user_attr(_RESTORING, True)
    study.add_trials([_frozen(trial, i) for i, trial in enumerate(search.trials)])
    for key, value in search.user_attrs.items():
        if key != _RESTORING:
            study.set_user_attr(key, value)


def search_is_whole(root: Path, name: str) -> None:
    """Say that the runs of a restored search are there too: it is not begun anew any more."""
    study = optuna.load_study(study_name=name, storage=open_storage(root))
    study.set_user_attr(_RESTORING, False)


def _archived(trial: FrozenTrial) -> ArchivedTrial:
    ended = trial.state in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
    return ArchivedTrial(
        state=trial.state.name if ended else "FAIL",  # type: ignore[arg-type]
        params=trial.params,
        distributions={k: distribution_to_json(d) for k, d in trial.distributions.items()},
        values=trial.values,
        intermediate=trial.intermediate_values,
        user_attrs=trial.user_attrs if ended else {**trial.user_attrs, INTERRUPTED: True},
        system_attrs=trial.system_attrs,
        start=trial.datetime_start,
        end=trial.datetime_complete,
    )


def _frozen(trial: ArchivedTrial, number: int) -> FrozenTrial:
    start = trial.start or trial.end
    return FrozenTrial(
        number=number,
        trial_id=number,  # both are given anew by the storage
        state=TrialState[trial.state],
        value=None,
        values=trial.values,
        datetime_start=start,
        datetime_complete=trial.end or start,
        params=trial.params,
        distributions={k: json_to_distribution(text) for k, text in trial.distributions.items()},
        user_attrs=trial.user_attrs,
        system_attrs=trial.system_attrs,
        intermediate_values=trial.intermediate,
    )
