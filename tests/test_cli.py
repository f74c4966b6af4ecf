"""The command line as a user meets it: help, normal output, and what each command writes."""

from __future__ import annotations

import bz2
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import zstandard

from debiaslab import __version__
from debiaslab.cli import COMMANDS, command_class, main
from debiaslab.vectors.embeddings import Embeddings
from tests import forking
from tests.command_line import TINY, call, noise, runs, write_toy
from tests.expecting import holds
from tests.shared import PRINTED
from tests.toys import toy_text

pytestmark = pytest.mark.usefixtures("own_folder")
Capture = pytest.CaptureFixture[str]
HEAVY = [
    *("torch", "mlflow", "optuna", "sklearn", "gensim", "scipy", "matplotlib", "pandas", "numba"),
    *("nltk", "jinja2", "sqlalchemy", "tensorboard", "zstandard", "distributed"),
]
TRAIN = ["train", "toy.txt", *TINY, "--min-count", "1"]
OPTIONS = {
    "corpus": "--mwes --min-count --rare --keep-case --executor --scheduler --workers",
    "train": "--mwes --dim --window --dynamic --fixed --negatives --epochs --min-count --subsample "
    "--lr --threads --seed --engine --strategy --weight --cover --init --init-contexts "
    "--keep-words --bad-words --out --optimizer "
    "--batch-size --patience --tensorboard --device --store",
    "sweep": "--strategy --trials --seeds --study --cover --mwes --dim --window --negatives "
    "--epochs --min-count --subsample --lr --threads --engine --bias-weight --retention-weight "
    "--store --set --sampler --objectives --min-retention --prune --warm-start --points --hours "
    "--stop --workers --executor --scheduler",
    "plan": "--strategy --trials --seeds --set --store",
    "status": "--store",
    "resume": "--trials --hours --workers --executor --scheduler --store",
    "archive": "--store",
    "restore": "--store",
    "reproduce": "--store",
    "delete": "--yes --dead-elsewhere --store",
    "prune-store": "--yes --failed --checkpoints --store",
    "compare": "--strategies --seeds --trials --tuning-seeds --select --cover --study --out "
    "--store",
    "report": "--study --run --out --format --store",
    "floor": "--seeds --study --out --mwes --dim --epochs --min-count --threads --store",
    "planted": "--words --doses --base --apart --seeds --study --out --mwes --dim --epochs "
    "--min-count --threads --store",
    "export": "--study --run --pairs --out --missing --format --store",
    "debias": "--strategy --out --weight --knob --cover --seed",
    "evaluate": "--baseline --json --csv --seed --run --log --similarity --analogies --groups "
    "--quick --lexicon --compare-csv",
    "lexicon": "--vectors --file",
    "reliability": "--baseline --words --lexicon --json --seed",
    "neighbors": "--vectors --run --study --compare --analogy -n --store",
    "strategies": "",
    "metrics": "",
    "studies": "--store",
    "score": "--csv",
    "bundle": "--out --title --start --end",
    "bench": "--seconds --threads --out",
    "ui": "--study --host --port --store",
}


@pytest.fixture(scope="module")
def studied(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the finished study, to which tests add: that does not disturb others."""
    folder = tmp_path_factory.mktemp("studied") / "small"
    return Path(shutil.copytree(small, folder))


@pytest.fixture
def in_study(studied: Path, own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(studied)


# Help -----------------------------------------------------------------------------------------


def test_help_is_quick_and_shows_an_example():
    """In a fresh interpreter nothing heavy is imported: a tenth of a second, not several."""
    program = f"""
import sys
from debiaslab.cli import COMMANDS, command_class, main
for command in ("", *COMMANDS):
    print("@@@", command)
    try:
        main([*command.split(), "--help"])
    except SystemExit as ended:
        assert not ended.code
    print("IMPORTED", *sorted(name for name in {HEAVY!r} if name in sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    _, *helps = done.stdout.split("@@@ ")
    assert len(helps) == 1 + len(COMMANDS)
    for command, each in zip(("", *COMMANDS), helps, strict=True):
        printed, _, imported = each.partition("IMPORTED")
        assert imported.split() == [], command
        assert f"python -m debiaslab {command}".strip() in printed.partition("example")[2]


def test_help_lists_every_command_on_a_line_of_its_own(capfd):
    printed = call(capfd).out
    for name, summary in COMMANDS.items():
        assert any(line.split()[:2] == [name, summary.split()[0]] for line in printed.splitlines())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_promised_option_is_there_and_the_examples_can_be_parsed(command, capfd, monkeypatch):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    printed = capfd.readouterr().out
    words = printed.replace("[", " ").replace("]", " ").replace(",", " ").split()
    assert set(OPTIONS[command].split()) - set(words) == set()
    lines = printed.partition("example")[2].splitlines()
    examples = [line.split()[3:] for line in lines if "python -m debiaslab" in line]
    assert examples
    monkeypatch.setattr(command_class(command), "run", lambda self: iter(()))
    monkeypatch.chdir(Path(__file__).resolve().parents[1])  # where the study files are
    for words in examples:
        assert main(words) == 0, words


def test_version(capfd):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capfd.readouterr().out == f"debiaslab {__version__}\n"


# What commands print --------------------------------------------------------------------------


def test_a_reader_that_has_seen_enough(tmp_path):
    write_toy(tmp_path)
    reading, writing = os.pipe()
    os.close(reading)  # as `| head -0` does
    done = forking.run(["-m", "debiaslab", "corpus", "toy.txt"], cwd=tmp_path, stdout=writing)
    os.close(writing)
    assert noise(done.stderr) == []
    assert done.returncode == 0


def test_a_terminal_without_greek(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "debiaslab", "--help"],
        env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    assert b"\\u03bb" in done.stdout


def test_only_our_own_warnings_are_shown(capfd, monkeypatch):
    def run(_: object) -> list[str]:
        warnings.warn_explicit("ours", UserWarning, "a.py", 1, module="debiaslab.corpus.corpus")
        warnings.warn_explicit("theirs", UserWarning, "b.py", 1, module="optuna.study")
        warnings.warn_explicit("older", DeprecationWarning, "c.py", 1, module="debiaslabour")
        return []

    monkeypatch.setattr(command_class("strategies"), "run", run)
    monkeypatch.setattr(sys, "warnoptions", [])
    shown = warnings.showwarning
    assert call(capfd, "strategies").err == "debiaslab: warning: ours\n"
    assert warnings.showwarning is shown


def test_corpus_shows_sizes_and_coverage_and_the_command_that_goes_on(capfd):
    write_toy(Path())
    said = call(capfd, "corpus", "toy.txt", "--min-count", "2")
    assert said.code == 0
    lines = said.out.splitlines()
    assert "documents    200" in lines
    assert "tokens       6,000 read, 6,000 in the vocabulary" in lines
    for name in ("male_terms", "occupations", "definitional_pairs", "CodaLab pairs"):
        assert any(line.startswith(name) for line in lines)
    expected = "next: python -m debiaslab sweep toy.txt --min-count 2 --strategy projection"
    assert lines[-1] == expected
    assert call(capfd, "corpus", "toy.txt", "--min-count", "2").out == said.out


@pytest.mark.usefixtures("in_study")
def test_several_files_of_every_kind_with_phrases_and_unk(tmp_path, capfd):
    text = toy_text(100)
    half = text[: text.index("\n", len(text) // 2) + 1]
    rest = text[len(half) :]
    contents = {
        "a.txt": f"united states\n{half}".encode(),
        "b.txt.zst": zstandard.compress(rest.encode()),
        "c.txt.bz2": bz2.compress(b"The United States of nowhere\n" * 3),
        "phrases": b"united states\n",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    *files, phrases = [str(tmp_path / name) for name in contents]
    out = str(tmp_path / "vectors.txt")
    rare = ["--rare", "unk", "--min-count", "4"]
    said = call(capfd, "train", *files, *TINY, "--mwes", phrases, *rare, "--out", out)
    assert said.code == 0, said.err
    vectors = Embeddings.load(out)
    assert [word in vectors for word in ("united_states", "nowhere", "<UNK>")] == [
        True,
        False,
        False,
    ]
    assert runs()[-1].params["rare"] == "unk"


def test_metrics_are_listed_with_what_they_need(capfd):
    names = ("weat", "mac", "direct_bias", "similarity", "lipstick", "collapse")
    needs = "needs groups of words; better: near null; a null of random words"
    holds(call(capfd, "metrics").out, *(f"\n  {name}\n" for name in names), needs)
    assert "better: near 0 (statistic)" in call(capfd, "metrics", "weat").out
    said = call(capfd, "metrics", "sc_weat").out
    holds(said, "sc_weat · association", "settings: ddof=1\nsource: Caliskan et al. 2017")
    refused = call(capfd, "metrics", "ripe").err
    holds(refused, "there is no metric 'ripe'", "did you mean 'ripa'")


def test_strategies_are_listed_with_their_search_space(capfd):
    names = ("none", "pairwise", "projection", "tying")
    space = "λ 0.001 – 100, pairs=tune, direction=pca"
    holds(call(capfd, "strategies").out, *(f"\n  {name}\n" for name in names), space)
    for name, said in (
        ("projection", "projection · during training"),
        ("tying", "\nwords: gender pairs\nλ "),
        ("cds", "words: gender words of the text\nno λ"),
        ("hard", "non-gender words that --cover names"),
    ):
        assert said in call(capfd, "strategies", name).out


def test_the_sweep_says_what_it_found_and_what_to_type_next(small):
    finding, _, *lines = (small / PRINTED).read_text(encoding="utf-8").splitlines()
    assert finding.startswith("At λ")
    header = lines[0]
    assert header.split()[:2] == ["trial", "λ"]
    assert {len(row.rstrip(" *")) for row in lines[2:5]} == {len(header)}  # columns are aligned
    assert lines[-1] == "next: python -m debiaslab ui --study small"
    assert (small / "submissions" / "small.csv").is_file()
    assert (small / "submissions" / "small.zip").is_file()


@pytest.mark.usefixtures("in_study")
def test_studies_are_an_aligned_table(capfd):
    header, row = call(capfd, "studies").out.splitlines()
    assert header.split() == ["study", "status", "trials", "best", "λ", "score", "run"]
    assert row.split()[:3] == ["small", "FINISHED", "2"]
    assert header.index("run") == row.index(row.split()[-1])


@pytest.mark.usefixtures("in_study")
@pytest.mark.parametrize("ending", [".csv", ".zip", ".txt", ".bin", ".kv", ".npz"])
def test_export_writes_what_the_ending_names(ending, tmp_path, capfd):
    out = tmp_path / f"out{ending}"
    said = call(capfd, "export", "--study", "small", "--out", str(out))
    assert said.code == 0, said.err
    assert said.out.startswith(f"wrote {out}: ")
    if ending in (".csv", ".zip"):
        assert said.err.startswith("debiaslab: warning: ")  # words without a vector are counted
        assert Path(f"submissions/small{ending}").stat().st_size > 0
    else:
        assert said.err == ""
        assert len(Embeddings.load(out)) > 100


@pytest.mark.usefixtures("in_study")
def test_neighbors_of_a_run_and_a_file_side_by_side(tmp_path, capfd):
    out = tmp_path / "same.npz"
    assert call(capfd, "export", "--study", "small", "--out", str(out)).code == 0
    said = call(capfd, "neighbors", "man", "--study", "small", "--compare", str(out), "-n", "3")
    title, header, *rows, foot = said.out.splitlines()
    assert "man" in title
    assert "trial" in header  # the name of the run
    assert "same.npz" in header
    assert len(rows) == 3
    assert foot == "* in both lists: 3"


# Training -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("in_study")
def test_tensorboard_events_hold_the_running_loss(tmp_path, capfd):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events, out = tmp_path / "events", tmp_path / "v.kv"
    said = call(capfd, *TRAIN, "--out", str(out), "--tensorboard", str(events))
    assert said.code == 0, said.err
    read = EventAccumulator(str(events))
    read.Reload()
    assert {"loss", "penalty", "lr", "words_per_second"} <= set(read.Tags()["scalars"])
    loss = read.Scalars("loss")
    assert [point.step for point in loss] == sorted({point.step for point in loss})
    assert loss[-1].value == pytest.approx(runs()[-1].metrics["loss"], rel=1e-5)
    assert said.out.splitlines()[-2:] == [
        f"saved {out}",
        f"next: python -m debiaslab neighbors man --vectors {out}",
    ]


@pytest.mark.usefixtures("in_study")
def test_init_goes_on_from_vectors(tmp_path, capfd):
    first, longer = tmp_path / "first.kv", tmp_path / "longer.kv"
    assert call(capfd, *TRAIN, "--epochs", "20", "--out", str(first)).code == 0
    assert call(capfd, *TRAIN, "--init", str(first), "--out", str(longer)).code == 0
    before, after = Embeddings.load(first), Embeddings.load(longer)
    assert before.words == after.words
    close = (before.unit * after.unit).sum(axis=1)
    assert np.mean(close) > 0.9  # one epoch moves them a little, and from nowhere it would be 0
    assert np.mean(close) < 1 - 1e-6


@pytest.mark.usefixtures("in_study")
def test_init_from_a_gensim_model_with_its_context_vectors(tmp_path, capfd):
    from gensim.models import Word2Vec

    texts = [line.split() for line in Path("toy.txt").read_text().splitlines()]
    model = Word2Vec([*texts, ["quokka", "wombat"]], vector_size=8, min_count=1, seed=1)
    model.wv.save("gensim.kv")
    Embeddings(model.wv.index_to_key, model.syn1neg).save("contexts.npz")
    options = ["--init", "gensim.kv", "--init-contexts", "contexts.npz", "--keep-words"]
    said = call(capfd, *TRAIN, *options, "--out", "longer.kv")
    assert said.code == 0
    words = len(model.wv) - 2
    assert f"{words:,} of the {words:,} words of the text continue from their vectors" in said.out
    assert f"{words:,} continue from their context vectors" in said.out
    assert "2 words that the text lacks are kept as they are" in said.out
    assert set(Embeddings.load("longer.kv").words) == set(model.wv.index_to_key)
    for option in (["--keep-words"], ["--init-contexts", "contexts.npz"]):
        said = call(capfd, *TRAIN, *option, "--out", "longer.kv")
        assert f"{option[0]} was given without --init; try: --init FILE {option[0]}" in said.err


@pytest.mark.usefixtures("in_study")
def test_a_single_run_is_logged_with_what_it_made(tmp_path, capfd):
    out = tmp_path / "v.kv"
    said = call(capfd, *TRAIN, "--strategy", "tying", "--weight", "0.5", "--out", str(out))
    assert said.code == 0, said.err
    assert noise(said.err) == []
    run = runs()[-1]
    assert run.run_id in said.out
    assert run.name == "tying λ=0.5 · toy · seed 1"
    assert run.status == "FINISHED"
    assert float(run.params["weight"]) == 0.5
