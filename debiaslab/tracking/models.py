"""The exported model of a run: code and a plain array, in the registry under the alias ``best``."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from debiaslab.tracking.failures import CALLER_ERRORS, explained
from debiaslab.tracking.tags import BEST_ALIAS

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from debiaslab.embeddings import Embeddings

_MODEL_CODE = Path(__file__).parents[1] / "similarity_model.py"  # run by MLflow alone


def log_model(
    client: MlflowClient,
    uri: str,
    run_id: str,
    embeddings: Embeddings,
    *,
    example: Sequence[tuple[str, str]],
    fallback: float,
    name: str,
) -> str:
    """Do what :meth:`Store.log_model` says."""
    from mlflow.entities import LoggedModelOutput

    with tempfile.TemporaryDirectory(prefix="debiaslab-") as folder, explained(uri):
        saved = _save_model(Path(folder), embeddings, example, fallback)
        experiment = client.get_run(run_id).info.experiment_id
        model = client.create_logged_model(experiment, name, source_run_id=run_id)
        client.log_model_artifacts(model.model_id, str(saved))
        client.finalize_logged_model(model.model_id, "READY")
        client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    return f"models:/{model.model_id}"


def register(client: MlflowClient, uri: str, name: str, run_id: str, model: str, note: str) -> str:
    """Do what :meth:`Store.register` says."""
    from mlflow.exceptions import MlflowException

    name = re.sub("[/:]", "-", name)
    model_id = model.removeprefix("models:/")
    with explained(uri):
        # Not ``models:/…``, which MLflow would look up in the process's own store.
        source = client.get_logged_model(model_id).artifact_location
        try:
            now = client.get_model_version_by_alias(name, BEST_ALIAS)
        except MlflowException as error:
            if error.error_code not in CALLER_ERRORS:
                raise
        else:
            if now.source == source:
                return str(now.version)
        try:
            client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        client.update_registered_model(name, note)
        made = client.create_model_version(name, source, run_id, model_id=model_id)
        client.set_registered_model_alias(name, BEST_ALIAS, made.version)
    return str(made.version)


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
