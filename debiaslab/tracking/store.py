"""The tracking store: studies and runs in MLflow.

All studies of a store are in one MLflow experiment, ``debiaslab``: a study is found by its name
alone, and two studies on two corpora can be put side by side in one table of the UI, which
shows one experiment at a time. A study is a parent run, its trials are child runs. Studies of
other experiments, such as one that was renamed, are found by their tags.

Only ``MlflowClient`` with explicit run ids is used, so that the active run and tracking URI of a
notebook that calls us stay as they were. mlflow is imported inside functions: it takes a second.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from debiaslab.system.provenance import Process, surely_dead, utf8
from debiaslab.tracking.contact import (
    CALLER_ERRORS,
    explained_mlflow,
    find_home,
    forget_folders,
    impatient,
    local_path,
    locate,
    make_client,
    make_home,
    set_defaults,
    study_view,
)
from debiaslab.tracking.database import (
    copy_to_read,
    no_store,
    one_at_a_time,
    prepare,
)
from debiaslab.tracking.names import (
    BEST_ALIAS,
    KIND_TAG,
    NOTE_TAG,
    PARENT_TAG,
    REASON_TAG,
    SOURCE,
    STUDY_KIND,
    STUDY_TAG,
    VIEW_TAG,
    check_study_name,
)
from debiaslab.tracking.reader import StoreReader
from debiaslab.tracking.records import (
    DatasetInfo,
    RunLog,
    RunWriter,
    StudyRun,
    owner,
    process_tags,
    tag_text,
    user_name,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from debiaslab.vectors.embeddings import Embeddings

_MODEL_CODE = Path(__file__).with_name("similarity_model.py")  # run by MLflow alone


class Store(StoreReader):
    """A tracking store: where studies and runs are written and read."""

    @classmethod
    def open(cls, root: str | Path = "mlruns", *, create: bool = True) -> Store:
        """Open the store in the folder ``root``, or the one ``MLFLOW_TRACKING_URI`` names.

        The folder holds ``mlflow.db`` (sqlite) and ``artifacts/``. When it was moved or copied,
        the absolute locations in it are first rewritten to where it is now; a tracking server is
        never touched.

        Args:
            root: Folder of the store.
            create: False raises an error when there is no store yet, instead of making one.

        Raises:
            UserError: The store cannot be reached, read or made, or another MLflow wrote it.
        """
        set_defaults()
        location = locate(root)
        if location.database is not None and not create and not location.database.is_file():
            raise no_store(location.database)
        with one_at_a_time(location.database), explained_mlflow(location.uri), impatient():
            if location.database is not None:
                prepare(location.database)
            client = make_client(location.uri, reading=False)
            forget_folders()
            home = find_home(client, location)
            return cls(client, location, home or make_home(client, location))

    @classmethod
    def read(cls, root: str | Path = "mlruns") -> Store:
        """Open a store that is there, to read it only: nothing in its folder is made or changed.

        A copy of the database is read where MLflow would change the database itself; files of runs
        are read where they are.

        Args:
            root: Folder of the store, as for :meth:`open`.

        Raises:
            UserError: There is no store, it cannot be reached or read, or a newer MLflow wrote it.
        """
        set_defaults()
        location = locate(root)
        database = location.database
        if database is not None and not database.is_file():
            raise no_store(database)
        copy = None if database is None else copy_to_read(database)
        uri = location.uri if copy is None else f"sqlite:///{copy.path.as_posix()}"
        with explained_mlflow(location.uri), impatient():
            client = make_client(uri, reading=True)
            forget_folders()
            found = cls(client, location, find_home(client, location), reading=True)
        found._copy = copy
        return found

    @property
    def _client(self) -> MlflowClient:
        """The client, to write."""
        if self._reading:
            raise RuntimeError("this store was opened by Store.read, which writes nothing")
        return self._reader

    def study(
        self,
        name: str,
        *,
        create: bool,
        params: Mapping[str, object],
        tags: Mapping[str, object],
        description: str,
    ) -> str:
        """Return the run id of the study ``name``, which is made when ``create`` is true.

        A study that exists is left as it is: ``params``, ``tags`` and ``description`` (Markdown)
        are for a new one.

        Raises:
            UserError: The name cannot be one, or there is no such study and ``create`` is false.
        """
        found = self.find_study(name)
        if found is not None:
            return found.run_id
        if not create:
            raise self._unknown_study(name)
        check_study_name(name)
        own = {STUDY_TAG: name, KIND_TAG: STUDY_KIND, NOTE_TAG: description}
        run_id = self._create(name, {**tags, **own})
        self.writer(run_id).params(params)
        # Two commands may start at once: both keep the older parent.
        winner = self.find_study(name)
        if winner is None or winner.run_id == run_id:
            return run_id
        with explained_mlflow(self.uri):
            self._client.delete_run(run_id)
        return winner.run_id

    def start(
        self,
        name: str,
        *,
        parent: str | None,
        params: Mapping[str, object],
        tags: Mapping[str, object],
        dataset: DatasetInfo | None,
    ) -> RunLog:
        """Start a run, the child of ``parent`` when given. It stays open until it is finished."""
        nesting = {} if parent is None else {PARENT_TAG: parent}
        log = self._log(self._create(name, {**tags, **nesting}))
        try:
            log.params(params)
            if dataset is not None:
                log.dataset(dataset)
        except BaseException as error:
            log.finish("FAILED", f"could not be started: {error}")
            raise
        return log

    def resume(self, run_id: str) -> RunLog:
        """Take a run up again: it is ``RUNNING`` and belongs to this process."""
        run = self.run(run_id)
        with explained_mlflow(self.uri):
            self._client.update_run(run_id, status="RUNNING")
            if REASON_TAG in run.tags:
                self._client.delete_tag(run_id, REASON_TAG)
        log = self._log(run_id)
        log.tags(process_tags())
        log.flush()
        return log

    def writer(self, run_id: str) -> RunWriter:
        """Return a writer that adds to a run without changing its status; flush it when done."""
        return RunWriter(self._client, run_id, self.uri, lambda: self._folder(run_id))

    def remove(self, run_id: str) -> None:
        """Delete a run and, in a local store, its files.

        MLflow keeps the run's row, marked as deleted, until ``mlflow gc``.
        """
        with explained_mlflow(self.uri):
            folder = local_path(self._client.get_run(run_id).info.artifact_uri)
            self._client.delete_run(run_id)
            if folder is not None and self.local:
                shutil.rmtree(folder, ignore_errors=True)
        self._folders.pop(run_id, None)

    def remove_for_good(self, run_id: str) -> bool:
        """Remove a run, its row in the database too; return whether it is only marked as deleted.

        A tracking server lets nobody but whoever runs it (``mlflow gc``) remove rows.
        """
        from mlflow.tracking._tracking_service.utils import _get_store

        folder = self._folder(run_id)
        with explained_mlflow(self.uri):
            self._client.delete_run(run_id)
            if folder is not None and run_id in folder.parts:
                shutil.rmtree(folder.parent if folder.name == "artifacts" else folder, True)
            self._folders.pop(run_id, None)
            # What `mlflow gc` calls, which itself removes every experiment that was ever deleted.
            remove = getattr(_get_store(self.uri), "_hard_delete_run", None)
            if remove is not None:
                remove(run_id)
        return remove is None

    def forget_model(self, name: str, runs: Sequence[str]) -> None:
        """Remove the models that were made of some runs, and their versions of a registered one.

        Args:
            name: Name of the registered model, as :meth:`register` was given it.
            runs: Ids of the runs.
        """
        from mlflow.tracking._tracking_service.utils import _get_store

        name = _model_name(name)
        with explained_mlflow(self.uri):
            versions = self._client.search_model_versions(f"name = '{name}'")
            ours = [each for each in versions if each.run_id in runs]
            for version in ours:
                self._client.delete_model_version(name, version.version)
            if ours and len(ours) == len(versions):
                self._client.delete_registered_model(name)
            remove = getattr(_get_store(self.uri), "_hard_delete_logged_model", None)
            for run_id in runs:
                outputs = self._client.get_run(run_id).outputs
                for output in outputs.model_outputs if outputs is not None else ():
                    model = self._client.get_logged_model(output.model_id)
                    folder = local_path(model.artifact_location)
                    self._client.delete_logged_model(model.model_id)
                    if folder is not None and model.model_id in folder.parts:
                        shutil.rmtree(folder.parent, ignore_errors=True)
                    if remove is not None:
                        remove(model.model_id)

    def remove_view(self, study: StudyRun) -> None:
        """Remove what :meth:`save_view` saved of a study."""
        key = f"{VIEW_TAG}{study.run_id}"
        with explained_mlflow(self.uri):
            if key in self._client.get_experiment(study.experiment).tags:
                self._client.delete_experiment_tag(study.experiment, key)

    def reconcile(self, parent: str, dead: Process | None = None) -> int:
        """Close the runs of a study whose process was killed; return how many children it was.

        A run is closed (``KILLED``, with a reason) only when the process that made it ran on this
        host and has surely ended, or is the one that is said to be ``dead``. Other runs of other
        hosts cannot be judged and are left alone. The parent itself is closed likewise, but not
        counted.
        """
        closed = 0
        for run in [*self.runs(parent, status="RUNNING"), self.run(parent)]:
            process = owner(run)
            if run.status != "RUNNING" or process is None:
                continue
            if process != dead and not surely_dead(process):
                continue
            reason = f"process {process.pid} on {process.host} ended without closing this run"
            self._log(run.run_id).finish("KILLED", reason)
            closed += run.run_id != parent
        return closed

    def save_view(self, name: str, parent: str) -> None:
        """Save how the UI shows the runs of a study, to be opened from its list of views."""
        experiment = self.run(parent).experiment
        with explained_mlflow(self.uri):
            self._client.set_experiment_tag(
                experiment, f"{VIEW_TAG}{parent}", study_view(name, parent)
            )

    def describe(self, run_id: str, note: str) -> None:
        """Set the description of a run, Markdown, which the UI shows first."""
        self.writer(run_id).tags({NOTE_TAG: note})

    def log_model(
        self,
        run_id: str,
        embeddings: Embeddings,
        *,
        example: Sequence[tuple[str, str]],
        fallback: float = 0.0,
        name: str = "similarity",
    ) -> str:
        """Export the vectors as an MLflow model of a run and return its URI, ``models:/<id>``.

        ``mlflow.pyfunc.load_model(uri).predict(DataFrame(word1, word2))`` gives one column
        ``sim``, the cosine similarity; a pair with an unknown word gets ``fallback``. The vectors
        are an npz file without pickle, and the model loads without debiaslab.

        Args:
            run_id: The run whose vectors they are.
            embeddings: ``V`` words with vectors of length ``d``.
            example: Pairs shown as the input example; at least one.
            fallback: Similarity of a pair with an unknown word.
            name: Name of the model in the UI.
        """
        from mlflow.entities import LoggedModelOutput

        with tempfile.TemporaryDirectory(prefix="debiaslab-") as folder, explained_mlflow(self.uri):
            saved = _save_model(Path(folder), embeddings, example, fallback)
            experiment = self._client.get_run(run_id).info.experiment_id
            model = self._client.create_logged_model(experiment, name, source_run_id=run_id)
            self._client.log_model_artifacts(model.model_id, str(saved))
            self._client.finalize_logged_model(model.model_id, "READY")
            self._client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
        return f"models:/{model.model_id}"

    def register(self, name: str, run_id: str, model: str, note: str) -> str:
        """Make a model of a run the ``best`` of a registered model; return its version.

        A new version is made only when the alias names another model, or none: then
        ``models:/<name>@best`` is what ``mlflow models serve`` takes.

        Args:
            name: Name of the registered model, made if need be; ``/`` and ``:`` become ``-``,
                as MLflow takes neither.
            run_id: The run whose model it is.
            model: Its URI, as :meth:`log_model` returned it.
            note: What the registered model is, in Markdown.
        """
        from mlflow.exceptions import MlflowException

        name = _model_name(name)
        model_id = model.removeprefix("models:/")
        with explained_mlflow(self.uri):
            # Not ``models:/…``, which MLflow would look up in the process's own store.
            source = self._client.get_logged_model(model_id).artifact_location
            try:
                now = self._client.get_model_version_by_alias(name, BEST_ALIAS)
            except MlflowException as error:
                if error.error_code not in CALLER_ERRORS:
                    raise
            else:
                if now.source == source:
                    return str(now.version)
            try:
                self._client.create_registered_model(name)
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
            self._client.update_registered_model(name, note)
            made = self._client.create_model_version(name, source, run_id, model_id=model_id)
            self._client.set_registered_model_alias(name, BEST_ALIAS, made.version)
        return str(made.version)

    def _log(self, run_id: str) -> RunLog:
        return RunLog(self._client, run_id, self.uri, lambda: self._folder(run_id))

    def _create(self, name: str, tags: Mapping[str, object]) -> str:
        own = {
            "mlflow.user": user_name(),
            "mlflow.source.name": SOURCE,
            "mlflow.source.type": "LOCAL",
            **process_tags(),
        }
        texts = {key: tag_text(value) for key, value in {**own, **tags}.items()}
        parent = texts.get(PARENT_TAG)  # the UI shows runs under their study in one experiment
        experiment = self.experiment_id if parent is None else self.run(parent).experiment
        with explained_mlflow(self.uri):
            run = self._client.create_run(experiment, tags=texts, run_name=utf8(name))
        self._folders[run.info.run_id] = local_path(run.info.artifact_uri)
        return str(run.info.run_id)


def _model_name(study: str) -> str:
    """Return the name of a registered model for a study: MLflow takes neither ``/`` nor ``:``."""
    return re.sub("[/:]", "-", study)


def _save_model(
    folder: Path, embeddings: Embeddings, example: Sequence[tuple[str, str]], fallback: float
) -> Path:
    import numpy as np
    import pandas as pd
    from mlflow import pyfunc
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    vectors = embeddings.save(folder / "vectors.npz")
    words = Schema([ColSpec(DataType.string, "word1"), ColSpec(DataType.string, "word2")])
    target = folder / "model"
    pyfunc.save_model(
        str(target),
        python_model=str(_MODEL_CODE),
        artifacts={"vectors": str(vectors)},
        model_config={"fallback": fallback},
        signature=ModelSignature(words, Schema([ColSpec(DataType.double, "sim")])),
        input_example=pd.DataFrame(list(example), columns=["word1", "word2"]),
        # Said outright: MLflow would otherwise load the model in a new process to find out.
        pip_requirements=[f"numpy=={np.__version__}", f"pandas=={pd.__version__}"],
        metadata={"fallback": fallback, "words": len(embeddings), "dimension": embeddings.dim},
    )
    return target
