"""The best run of a study as a model in MLflow's registry, ready to be served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from debiaslab.leaderboard.export import default_pairs

if TYPE_CHECKING:
    from debiaslab.tracking import Store
    from debiaslab.vectors.embeddings import Embeddings

MODEL_TAG = "debiaslab.model"
_NOTE = """\
Cosine similarity of word pairs, by the vectors of the best run of the debiasing study `{study}`.
The alias `best` names the version to use; a version's source run says how it was trained.

```
mlflow models serve -m "models:/{study}@best" --env-manager local --port 5001
```
"""


def publish(store: Store, study: str, best: str, embeddings: Embeddings) -> None:
    """Log the vectors of the best run as a model, once, and make it the study's registered best.

    Args:
        store: The tracking store.
        study: Name of the study, which names the registered model.
        best: The run.
        embeddings: Its vectors.
    """
    model = store.run(best).tags.get(MODEL_TAG)
    if model is None:
        model = store.log_model(best, embeddings, example=default_pairs()[:3])
        store.writer(best).tags({MODEL_TAG: model})
    store.register(study, best, model, _NOTE.format(study=study))
