"""What a study keeps of itself: its study file, and its corpus for workers that share no folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from debiaslab.corpus.corpus import CorpusReference, files_of
from debiaslab.errors import UserError
from debiaslab.tracking.names import CORPUS_FOLDER, GROUP_TAG, STUDY_ALONE, STUDY_FILE

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.settings.study import StudyFile
    from debiaslab.tracking import RunWriter, Store, StudyRun


def log_study_file(log: RunWriter, store: Store, own: StudyFile, file: StudyFile | None) -> None:
    """Keep the study file of a study as an artifact of its run.

    Args:
        log: The study's run.
        store: Where it is.
        own: The file of this study alone.
        file: The file the study was begun with; None: it was begun in another way.
    """
    whole = _as_begun(own, file)
    grouped = whole.group is None and GROUP_TAG in store.run(log.run_id).tags
    log.text(whole.to_json(), STUDY_ALONE if grouped else STUDY_FILE)
    if whole.group is not None:
        log.tags({GROUP_TAG: whole.group})


def _as_begun(own: StudyFile, file: StudyFile | None) -> StudyFile:
    """Return what is kept: a file of several strategies whole, else one study and where it ran."""
    if file is None:
        return own
    if file.group is not None:
        return file.model_copy(update={"corpus": own.corpus})
    where = {key: getattr(file, key) for key in ("executor", "scheduler", "workers")}
    return own.model_copy(update=where)


def kept_study(store: Store, name: str) -> tuple[StudyFile, list[StudyRun]]:
    """Return the study file of a study, or of a group of studies, and those that have begun.

    Raises:
        UserError: There is no such study, or it was made before studies kept their file.
    """
    from debiaslab.study.spec import changed

    found = store.studies_named(name)
    alone = found[0].study == name
    there = store.artifacts(found[0].run_id)
    if STUDY_FILE not in there:
        raise UserError(
            f"{name!r} keeps no study file: an older version made it",
            next_step="the command that made it, which continues it",
        )
    file = _read(store, found[0], STUDY_FILE)
    if alone and STUDY_ALONE in there:
        group, file = file, _read(store, found[0], STUDY_ALONE)
        trials = max(group.budget.trials, file.budget.trials)  # the group may have gone on since
        file = changed(file, {"budget.trials": trials})
    if file.group not in (None, name):  # one study of a group was named: only that one
        label = name.removeprefix(f"{file.group}-")
        chosen = [each for each in file.strategies if (each.label or each.name) == label]
        file = file.model_copy(update={"name": name, "strategies": tuple(chosen)})
    return file, found


def _read(store: Store, study: StudyRun, path: str) -> StudyFile:
    from debiaslab.study.spec import check_study

    text = store.artifact(study.run_id, path).read_text(encoding="utf-8")
    content = json.loads(text)
    content["corpus"] = {"marks": "cut", **content["corpus"]}  # before there was a choice
    return check_study(content, f"the file of {study.study}")


def keep_corpus(store: Store, study: str, corpus: Corpus) -> None:
    """Keep a corpus with the run of a study, once.

    Args:
        store: The tracking store.
        study: Run id of the study.
        corpus: The corpus.

    Raises:
        UserError: The store cannot be reached or written.
    """
    *files, last = files_of(corpus)
    if f"{CORPUS_FOLDER}/{last.name}" in store.artifacts(study):  # written last
        return
    writer = store.writer(study)
    for file in (*files, last):
        writer.file(file, CORPUS_FOLDER)


def find_corpus(store: Store, study: str, reference: CorpusReference, cache: str | Path) -> Corpus:
    """Return the corpus of a study: from a folder here, or fetched once from the store.

    Args:
        store: The tracking store.
        study: Run id of the study.
        reference: The corpus.
        cache: Folder of encoded texts on this machine.

    Raises:
        UserError: No folder here holds it and the study has not kept it, or what it kept is damaged
            or another corpus.
    """

    def fetch(folder: Path) -> None:
        if CORPUS_FOLDER not in store.artifacts(study):
            raise UserError(
                f"no folder here holds the corpus {reference.name} "
                f"({reference.fingerprint[:16]}…), and its study has not kept it",
                allowed=f"the folder {reference.path} shared, or a study swept with a cluster",
            )
        downloaded = store.download(study, CORPUS_FOLDER, folder)
        for file in list(downloaded.iterdir()):
            file.rename(folder / file.name)
        downloaded.rmdir()

    return reference.find_or_fetch(cache, fetch)
