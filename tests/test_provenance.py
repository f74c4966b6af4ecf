"""Provenance: what is in it, what must not be, and what it does not import."""

import json
import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest

from debiaslab.system.provenance import git_state, provenance, redact


def test_holds_versions_machine_and_no_host_name():
    made = provenance()
    assert set(made) == {"debiaslab", "git", "python", "packages", "machine", "argv"}
    assert made["packages"]["numpy"]
    assert made["machine"]["cores"] >= 1
    text = json.dumps(made["machine"], allow_nan=False)
    assert platform.node() not in text.split()


def test_imports_nothing_heavy():
    code = "import sys; from debiaslab.system.provenance import provenance; provenance(); "
    code += "print(*{'torch', 'mlflow', 'numba', 'gensim'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == []


def test_argv_is_redacted(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["x", "postgresql://ann:hunter2@db/optuna"])
    assert provenance()["argv"] == ["x", "postgresql://***@db/optuna"]


def test_git_state_of_a_checkout(tmp_path):
    file = _checkout(tmp_path)
    clean = git_state(file)
    assert clean is not None
    assert len(clean["commit"]) == 40
    assert not clean["dirty"]
    assert clean["diff"] == ""
    file.write_text("two\n")
    (tmp_path / "new.py").write_text("")
    dirty = git_state(file)
    assert dirty is not None
    assert dirty["commit"] == clean["commit"]
    assert dirty["dirty"]
    assert "+two" in dirty["diff"]
    assert any("new.py" in line for line in dirty["changed"])


def test_only_what_is_tracked_and_what_is_new_in_the_package_counts_as_a_change(tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    file = _checkout(package, tmp_path)
    reports = tmp_path / "reports"
    reports.mkdir()
    (reports / "study.html").write_text("")
    assert git_state(file)["changed"] == []
    (package / "new.py").write_text("")
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "new.pyc").write_text("")
    (tmp_path / ".gitignore").write_text("__pycache__\n")
    state = git_state(file)
    assert state["changed"] == ["?? package/new.py"]
    assert state["dirty"]
    (package / "new.py").unlink()
    (tmp_path / "readme").write_text("other\n")
    assert git_state(file)["changed"] == [" M readme"]


def test_git_state_ignores_a_checkout_that_does_not_track_the_package(tmp_path):
    _checkout(tmp_path)
    other = tmp_path / "venv" / "module.py"
    other.parent.mkdir()
    other.write_text("")
    assert git_state(other) is None


def test_git_state_outside_a_checkout_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    file = tmp_path / "module.py"
    file.write_text("")
    assert git_state(file) is None
    monkeypatch.setenv("PATH", str(tmp_path))  # no git at all
    assert git_state(file) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://ann:p%40ss@host:5000/x", "https://***@host:5000/x"),
        ("postgresql+psycopg2://ann:a@b@host/db", "postgresql+psycopg2://***@host/db"),
        ("mysql://host/db?user=a&password=hunter2&x=1", "mysql://host/db?user=a&password=***&x=1"),
        ("s3://bucket/k?X-Amz-Signature=abc", "s3://bucket/k?X-Amz-Signature=***"),
        ("host=db password=hunter2 dbname=x", "host=db password=*** dbname=x"),
        ("failed: http://u:p@h/a and http://v:q@i/b", "failed: http://***@h/a and http://***@i/b"),
        ("postgresql://ann:a/b?c#d@host/db", "postgresql://***@host/db"),
        ("http://host:5000/x, not http://u:p@h", "http://host:5000/x, not http://***@h"),
        ("sqlite:////tmp/a@b/mlflow.db", "sqlite:////tmp/a@b/mlflow.db"),
        ("write to ann@example.org", "write to ann@example.org"),
    ],
)
def test_redact(text, shown):
    assert redact(text) == shown


def test_redact_hides_the_token_of_the_environment(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "s3cr3t-token")
    assert "s3cr3t" not in redact("401 for bearer s3cr3t-token")


@pytest.mark.parametrize("variable", ["MLFLOW_TRACKING_URI", "DEBIASLAB_OPTUNA_STORAGE"])
def test_redact_hides_the_password_of_an_address_wherever_it_is_repeated(monkeypatch, variable):
    monkeypatch.setenv(variable, "postgresql://ann:s3%2Fcr3t@host/db")
    assert redact("no login for ann, s3/cr3t (s3%2Fcr3t)") == "no login for ann, *** (***)"


def test_redact_hides_the_password_of_a_mistyped_address_and_leaves_others_alone(monkeypatch):
    for address in (
        *("postgres//ann:s3cr3t@host", "postgresql:/ann:s3cr3t@host"),
        *("http:ann:s3cr3t@h", "ann:s3cr3t@h"),
    ):
        monkeypatch.setenv("DEBIASLAB_OPTUNA_STORAGE", address)
        assert redact(f"{address} is none") == f"{address.replace('s3cr3t', '***')} is none"
    for address, text in (  # without a password
        ("http://mlflow@host", "see http://mlflow.example.org/docs"),
        ("sqlite:////data/u@h/optuna.db", "sqlite:////data/u@h/optuna.db"),
    ):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        assert redact(text) == text


def test_redact_is_fast_on_a_large_diff():
    start = time.perf_counter()
    redact("+ password = input()\n://" * 50_000)
    assert time.perf_counter() - start < 2


def _checkout(folder: Path, root: Path | None = None) -> Path:
    """Commit a module, and a file beside it or above, to a new repository in ``root``."""
    root = folder if root is None else root
    file = folder / "module.py"
    file.write_text("one\n")
    (root / "readme").write_text("one\n")
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "one"]):
        subprocess.run(["git", "-C", str(root), *command], check=True, capture_output=True)
    return file
