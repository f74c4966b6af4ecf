"""The corpus of a study in its tracking store, for workers that share no folder with its driver."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from debiaslab.corpus.reference import Reference, files_of
from debiaslab.errors import UserError

if TYPE_CHECKING:
    from debiaslab.corpus import Corpus
    from debiaslab.tracking import Store

CORPUS = "corpus"  # artifact folder of the study's run


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
    if f"{CORPUS}/{last.name}" in store.artifacts(study):  # it is written when all others are
        return
    writer = store.writer(study)
    for file in (*files, last):
        writer.file(file, CORPUS)


def find_corpus(store: Store, study: str, reference: Reference, cache: str | Path) -> Corpus:
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
        if CORPUS not in store.artifacts(study):
            raise UserError(
                f"no folder here holds the corpus {reference.name} "
                f"({reference.fingerprint[:16]}…), and its study has not kept it",
                allowed=f"the folder {reference.path} shared, or a study swept with a cluster",
            )
        downloaded = store.download(study, CORPUS, folder)
        for file in list(downloaded.iterdir()):
            file.rename(folder / file.name)
        downloaded.rmdir()

    return reference.find_or_fetch(cache, fetch)
