"""Every name by which something is kept in the store: tags, metrics, kinds of runs, artifacts.

Stores and archives of older versions hold these names: add to them, never change one.
"""

from debiaslab.errors import UserError
from debiaslab.system.files import LONGEST_NAME

EXPERIMENT = "debiaslab"
EXPERIMENT_NOTE = "Debiasing studies on word embeddings. One parent run is one study."
SOURCE = "debiaslab"  # what MLflow shows as the source of a run
BEST_ALIAS = "best"  # of a registered model's version

# MLflow's own tags
PARENT_TAG = "mlflow.parentRunId"
NOTE_TAG = "mlflow.note.content"
COMMIT_TAG = "mlflow.source.git.commit"
VIEW_TAG = "mlflow.sharedViewState."  # of an experiment, with the run of a study after it

# tags of the experiment
HOME_TAG = "debiaslab.experiment"  # by which it is found when it was renamed
ROOT_TAG = "debiaslab.root"  # folder that the locations in a local store were written for

# tags of every run
KIND_TAG = "debiaslab.kind"
PROCESS_TAG = "debiaslab.process"  # whose it is while it is open
REASON_TAG = "debiaslab.reason"  # why it did not finish
NOT_MEASURED_TAG = "debiaslab.not_measured"
STRATEGY_TAG = "debiaslab.strategy"
SEED_TAG = "debiaslab.seed"
TRIAL_TAG = "debiaslab.trial"  # number of the trial; empty for a baseline
CELL_TAG = "debiaslab.cell"  # digest of what tells it from the other runs of its study
SESSION_TAG = "debiaslab.session"  # the command under which it was trained
ENGINE_TAG = "debiaslab.engine"
RESUMED_TAG = "debiaslab.resumed_at"
DIRTY_TAG = "debiaslab.dirty"  # whether the code differed from its commit
EVALUATED_TAG = "debiaslab.evaluated_run"  # of an evaluation: the run whose vectors they are
MODEL_TAG = "debiaslab.model"  # of the best run: its vectors as a model
ORIGINAL_TAG = "debiaslab.original_run"  # of a restored run: its id in the archive
ORIGINAL_TIMES_TAG = "debiaslab.original_times"

# tags of a study's run
STUDY_TAG = "debiaslab.study"  # the name that it is found by
GROUP_TAG = "debiaslab.group"  # the name that the studies of one file with several strategies share
BEST_TAG = "debiaslab.best_run"
CORPUS_TAG = "debiaslab.corpus"
COMPARISON_TAG = "debiaslab.comparison"  # "true": strategies are compared
PLANTING_TAG = "debiaslab.planting"  # "true": a bias is planted
TUNING_TAG = "debiaslab.tuning"  # of a sweep: the comparison that it chooses λ for
FULL_REPORT_TAG = "debiaslab.full_report"  # its page is the full report

# kinds of runs
STUDY_KIND = "study"
RESTORING_KIND = "restoring"  # of a study's run while the study is not whole
BASELINE_KIND = "baseline"
TRIAL_KIND = "trial"
CELL_KIND = "cell"  # of a comparison
PLANTED_KIND = "planted"
SINGLE_KIND = "single"
EVALUATION_KIND = "evaluation"

# metrics of a run
LAMBDA = "lambda"  # λ as a metric: the UI's charts take numbers only
LOG_LAMBDA = "log10_lambda"  # and have no logarithmic axis; the baseline has none

# artifacts of a run
VECTORS = "vectors/vectors.npz"
SCORECARD = "scorecard.json"
SCORECARD_TABLE = "scorecard.txt"
SCORECARD_CSV = "scorecard.csv"
BETWEEN_SEEDS = "scorecard_between_seeds.json"  # a baseline measured against another seed's
YARDSTICK = "yardstick.json"
CORPUS = "corpus.json"
PROVENANCE = "provenance.json"
SUBMISSION = "submission/submission.csv"
PLANTED_CARD = "planted.json"  # what was measured of planted and control words
PLANTED_WORDS = "words.json"  # which words they are
PARAMS_LONG = "params_long.json"
NOT_MEASURED = "not_measured.json"
TRACEBACK = "traceback.txt"

# artifacts of a study
STUDY_FILE = "study.json"
STUDY_ALONE = "study_alone.json"  # of one study of a group that was continued without the others
SIDES = "sides.json"  # of a comparison: its strategies, with their runs
SETTLED = "settled.json"  # of a comparison: its strategies, once every λ is settled
FRONT = "pareto.json"  # of a search after several objectives
NOTES = "notes.json"  # warnings and findings, which the report repeats
REPORT = "report.html"
CORPUS_FOLDER = "corpus"  # the encoded text, of a study that ran on a cluster


def check_study_name(name: str, what: str = "the name of the study") -> None:
    """Refuse a name that cannot name a study, its file and a line of a table.

    Args:
        name: The name.
        what: What the user calls it.

    Raises:
        UserError: It is blank, begins with a dot, or holds what no file name or line may hold.
    """
    if not name.strip() or name.startswith(".") or _unusable(name):
        raise UserError(
            f"{what} was {name!r}",
            allowed="a name without slashes, backslashes and colons that does not begin with a dot",
            next_step="a name such as quickstart",
        )


def default_study_name(kind: str, corpus: str, digest: str) -> str:
    """Return a name that is always valid, whatever the files of the corpus are called.

    Args:
        kind: What comes first, such as the strategy.
        corpus: Name of the corpus: what no study name may hold becomes ``-``, a long one is cut.
        digest: Hash of what makes the study another one; six letters of it are used.
    """
    kept = "".join("-" if _unusable(letter) else letter for letter in corpus)
    room = LONGEST_NAME - len(f"{kind}--xxxxxx.zip".encode())
    kept = kept.encode()[:room].decode(errors="ignore")
    return f"{kind}-{kept}-{digest[:6]}"


def _unusable(text: str) -> bool:
    return not text.isprintable() or bool(set(text) & set("/\\:"))
