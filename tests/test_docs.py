"""The documentation: links lead somewhere, nothing is left out, and its code runs."""

from __future__ import annotations

import html
import io
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from itertools import islice
from pathlib import Path
from types import ModuleType

import pytest

from debiaslab import regularizers
from debiaslab.cli import COMMANDS
from debiaslab.corpus.reading import BuiltinSource
from debiaslab.metrics.evaluation import GROUPS
from debiaslab.metrics.lipstick import LABEL_TESTS
from debiaslab.metrics.registry import metrics
from tests.expecting import holds

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md"))
_BLOCK = re.compile(r"^( *)```(\w+)[^\n]*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_WITH_OUTPUT = re.compile(r"^```python\n(?:.*?)^```$(?:\n\n```text\n(.*?)^```$)?", re.M | re.S)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_ANCHOR = re.compile(r"\{:? ?#([\w-]+) ?\}")
_HEADING = re.compile(r"^#+ (.*?)(?: \{#([\w-]+)\})?$", re.MULTILINE)
# What the test makes smaller than the tutorial does; each must be in the text.
SMALLER = {
    "epochs=15": "epochs=1",
    "step == 200": "step == 3",
    "step == 50": "step == 3",
    "(1, 2, 3)": "(1, 2)",
    "evaluate(debiased, ": "evaluate(debiased, bootstrap=50, ",
    "evaluate(baseline, ": "evaluate(baseline, bootstrap=50, ",
}
ARTICLES = 16


@pytest.fixture(scope="module")
def pages_module() -> Iterator[ModuleType]:
    """The generator of pages, which mkdocs imports from its own folder."""
    sys.path.insert(0, str(DOCS / "gen"))
    try:
        import generated_pages

        yield generated_pages
    finally:
        sys.path.remove(str(DOCS / "gen"))


@pytest.fixture(scope="module")
def generated(pages_module: ModuleType) -> dict[str, str]:
    return dict(pages_module.generated(ROOT / "debiaslab"))


def blocks(text: str, language: str) -> list[str]:
    return [body for _, kind, body in _BLOCK.findall(text) if kind == language]


def anchors(text: str) -> set[str]:
    """Return what a link to this page may name after ``#``."""
    prose = _BLOCK.sub("", text)
    found = set(_ANCHOR.findall(prose))
    for title, given in _HEADING.findall(prose):
        plain = re.sub(r"[^\w\s-]", "", title.lower())
        found.add(given or re.sub(r"[\s-]+", "-", plain).strip("-"))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_links_lead_somewhere(page, generated):
    for target in _LINK.findall(_BLOCK.sub("", page.read_text(encoding="utf-8"))):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        name = there.relative_to(DOCS).as_posix()
        assert there.is_file() or name in generated, f"{page.name}: {target}"
        if anchor:
            text = generated.get(name) or there.read_text(encoding="utf-8")
            assert anchor in anchors(text), f"{page.name}: {target}"


def test_every_page_has_its_place():
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in PAGES:
        name = page.relative_to(DOCS).as_posix()
        if page.parent != DOCS / "explain":  # those are given a place when the site is built
            assert f" {name}\n" in navigation, name


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#rrggbb``, as WCAG 2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(w * part for w, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_links_and_heads_can_be_read():
    """A contrast of 4.5 (WCAG AA): the theme's own colours are below it."""
    style = (DOCS / "style.css").read_text(encoding="utf-8")
    assert "primary: teal" in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    (primary,) = re.findall(
        r'data-md-color-primary="teal"\] \{ --md-primary-fg-color: (#\w{6})', style
    )
    light, dark = re.findall(r"--md-accent-fg-color: (#\w{6})", style)
    codes = re.findall(r"--md-code-hl-\w+-color: (#\w{6})", style)
    paper, grey, night, block = map(luminance, ("#ffffff", "#f5f5f5", "#1e2129", "#272a35"))
    assert all((grey + 0.05) / (luminance(each) + 0.05) >= 4.5 for each in (primary, light))
    assert (paper + 0.05) / (luminance(primary) + 0.05) >= 4.5  # white on it, in the page's head
    assert (luminance(dark) + 0.05) / (night + 0.05) >= 4.5
    assert all((luminance(each) + 0.05) / (block + 0.05) >= 4.5 for each in codes)
    assert len(codes) == 2


def explained(folder: str) -> set[str]:
    texts = [path.read_text(encoding="utf-8") for path in (DOCS / "explain" / folder).glob("*.md")]
    return set().union(*map(anchors, texts))


def own_strategies() -> list[str]:
    """Return the registered strategies of this package, controls included."""
    return [
        name
        for name in regularizers.strategy_names()
        if regularizers.get(name).__module__.startswith("debiaslab.")
    ]


def scored_metrics() -> list[str]:
    """Return the metrics of the scorecard, the lipstick tests one by one."""
    return sorted({*metrics(), *LABEL_TESTS, "profession_neighbors"})


def test_every_strategy_and_metric_is_explained():
    assert set(own_strategies()) <= explained("strategies")
    assert set(scored_metrics()) <= explained("metrics")
    families = {each.family for each in metrics().values()}
    assert set(GROUPS) == families | {"direct_bias", "attributes"}  # of one metric, of a file


def sections(folder: str) -> dict[str, str]:
    """Return the text under each heading of a folder's pages, by every anchor that is in it."""
    found = {}
    for path in (DOCS / "explain" / folder).glob("*.md"):
        for section in re.split(r"^(?=#)", path.read_text(encoding="utf-8"), flags=re.MULTILINE):
            found |= dict.fromkeys(anchors(section), section)
    return found


def lacking(section: str) -> list[str]:
    """Return what an explanation lacks: what the formula is, what it can and cannot, and whose."""
    formulas = re.findall(r"\\[\[(](.+?)\\[\])]", section, re.DOTALL)
    prose = re.sub(r"^(- |  ).*\n", "", section, flags=re.MULTILINE)
    parts = {
        "formula": any(re.search(r"=|\\leftarrow|\\min_", each) for each in formulas),
        "can": bool(re.search(r"^- \*Can( tell)?\*: ", section, re.MULTILINE)),
        "cannot": bool(re.search(r"^- \*Cannot\*: ", section, re.MULTILINE)),
        # "Ours" alone is no source: what it is nearest to has authors and a year as well
        "reference": bool(re.search(r"\b[A-Z]\w+[^.]*(\bet al\.)?[^.]*\b(19|20)\d\d\b", prose)),
        "code": "`debiaslab." in section,
    }
    return [name for name, there in parts.items() if not there]


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        *(("strategies", name) for name in own_strategies()),
        *(("metrics", name) for name in scored_metrics()),
    ],
)
def test_an_explanation_has_formula_limits_and_reference(folder, name):
    assert not lacking(sections(folder)[name])


def test_what_an_explanation_lacks_is_noticed():
    whole = sections("strategies")["hard"]
    assert lacking("## hard {#hard}\n\nTakes gender out.\n") == [
        "formula", "can", "cannot", "reference", "code",
    ]  # fmt: skip
    assert lacking(whole.replace("\\leftarrow", "").replace("=", "")) == ["formula"]
    assert lacking(whole.replace("*Cannot*", "*Perhaps not*")) == ["cannot"]
    assert lacking(re.sub(r"\b(19|20)\d\d\b", "", whole)) == ["reference"]


def test_every_formula_becomes_mathml(pages_module):
    """What the converter does not know it would print as it is: a backslash and a name."""
    pytest.importorskip("latex2mathml", reason="latex2mathml (debiaslab[docs]) is not installed")
    from mathml import with_mathml

    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for tex in re.findall(r"\\[\[(](.+?)\\[\])]", _BLOCK.sub("", text), re.DOTALL):
            made = with_mathml(f'<span class="arithmatex">\\({html.escape(tex)}\\)</span>')
            shown = re.sub(r"<annotation.*?</annotation>", "", made)
            assert made.startswith("<math"), f"{page.name}: {tex}"
            assert "\\" not in shown, f"{page.name}: {tex}"


def test_the_reference_has_every_command_metric_and_strategy(generated):
    pages = [generated[f"reference/{name}.md"] for name in ("commands", "metrics", "strategies")]
    holds(pages[0], *(f"## {name} {{#{name}}}" for name in COMMANDS))
    holds(pages[0], *(f"usage: python -m debiaslab {name}" for name in COMMANDS))
    holds(pages[1], *(f"## {name} {{#{name}}}" for name in metrics()))
    holds(pages[2], *(f"### {name} {{#{name}}}" for name in regularizers.strategy_names()))
    text = "\n".join(generated.values())
    modules = ("metrics.weat", "sgns.trainer", "corpus.corpus", "vectors.embeddings")
    shown = (f"::: debiaslab.{name}\n" for name in (*modules, "leaderboard.export"))
    holds(text, *shown, none_of=["debiaslab.commands"])


def test_every_command_is_shown_in_use():
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert set(COMMANDS) <= set(re.findall(r"python -m debiaslab ([\w-]+)", text))


def commands() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for block in blocks(page.read_text(encoding="utf-8"), "bash"):
            for line in block.splitlines():
                if line.startswith("python -m debiaslab"):
                    yield page.relative_to(DOCS).as_posix(), line


@pytest.mark.parametrize(("page", "line"), list(commands()))
def test_commands_are_understood(page, line, pages_module):
    name, *arguments = shlex.split(line)[3:]
    parsed = pages_module.parser_of(name).parse_args(arguments)
    strategy = str(getattr(parsed, "strategy", None) or "none")
    assert set(strategy.split("+")) <= {*regularizers.strategy_names()}


def test_nothing_of_one_machine():
    for page in [*PAGES, ROOT / "mkdocs.yml"]:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"(?<![\w.])/(work|tmp|home|opt|root|usr)/", text), page


def test_python_blocks_are_python():
    for page in PAGES:
        for number, block in enumerate(blocks(page.read_text(encoding="utf-8"), "python")):
            compile(block, f"{page.name} block {number}", "exec")


def outline(output: str) -> list[str]:
    """Return the first word of each line, numbers as ``#``: what no training changes."""
    words = [line.split()[0] for line in output.splitlines()]
    return ["[" if word.startswith("[") else re.sub(r"[\d.,]+", "#", word) for word in words]


def run(page: Path, smaller: dict[str, str]) -> list[str]:
    """Run the Python of a page in one session and return what each block printed."""
    text = page.read_text(encoding="utf-8")
    for old, new in smaller.items():
        assert old in text, f"{page.name} no longer says {old!r}"
        text = text.replace(old, new)
    names: dict[str, object] = {"__name__": "__main__"}
    printed = []
    for number, block in enumerate(blocks(text, "python")):
        out = io.StringIO()
        try:
            with redirect_stdout(out):
                exec(compile(block, f"{page.name} block {number}", "exec"), names)
        except Exception as error:
            raise AssertionError(f"{page.name}, block {number}:\n{block}") from error
        printed.append(out.getvalue())
    return printed


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the strategies that a page registers."""
    from debiaslab.regularizers import registry as module

    monkeypatch.setattr(module, "_REGISTRY", dict(module._REGISTRY))


@pytest.mark.usefixtures("registry")
def test_the_tutorial_runs_and_prints_what_it_shows(tmp_path, monkeypatch):
    """On less text the numbers are others: lines and the words they begin with are the same."""
    whole = BuiltinSource.blocks
    monkeypatch.setattr(BuiltinSource, "blocks", lambda self: islice(whole(self), ARTICLES))
    monkeypatch.chdir(tmp_path)
    said = ""
    page = DOCS / "tutorial.md"
    outputs = _WITH_OUTPUT.findall(page.read_text(encoding="utf-8"))
    for shown, printed in zip(outputs, run(page, SMALLER), strict=True):
        assert outline(printed) == outline(shown), printed
        said += printed
    assert "Corpus('enwiki-106', 16 documents" in said
    assert "january →" in said
    assert (tmp_path / "submission.zip").is_file()
    left, right = re.search(r"^(\d\.\d{3})\d* = (\d\.\d{3})", said, re.MULTILINE).groups()
    assert left == right  # the homework's own model and the library's have one loss


@pytest.mark.usefixtures("registry")
def test_strategies_of_the_how_to_run():
    import numpy as np

    from debiaslab.regularizers.postprocess import debias_words
    from debiaslab.vectors.embeddings import Embeddings

    run(DOCS / "how-to" / "add-a-strategy.md", {})
    names = ["he", "she", "man", "woman", "boy", "girl", "father", "mother", "chair", "table"]
    vectors = Embeddings(names, np.random.default_rng(0).normal(size=(len(names), 8)))
    assert regularizers.create("parity-power", power="4").knobs()["power"] == 4.0
    done = regularizers.create("shorten").fit(vectors, debias_words(names))(vectors)
    assert done.cosine("chair", "he") == pytest.approx(vectors.cosine("chair", "he"))
    assert np.allclose(done["chair"], vectors["chair"] / 2)


@pytest.mark.usefixtures("registry")
def test_the_strategy_of_the_readme_is_short_and_runs_as_a_file_that_nothing_names(
    tmp_path, monkeypatch
):
    import torch

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (code,) = (each for each in blocks(text, "python") if "@register" in each)
    assert len(code.splitlines()) < 20
    (tmp_path / "of_the_readme.py").write_text(code, encoding="utf-8")
    monkeypatch.setattr(regularizers, "__path__", [*regularizers.__path__, str(tmp_path)])
    regularizers.registry._load_files.cache_clear()  # asked before: a process looks once
    assert "squared-parity" in regularizers.strategy_names()
    del sys.modules["debiaslab.regularizers.of_the_readme"]
    bound = regularizers.bind(
        regularizers.create("squared-parity", weight=0.5), ["he", "she", "man", "woman", "chair"]
    )
    assert bound is not None
    drawn = bound.draw(torch.Generator(), 10)
    W = torch.randn(5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    shipped = regularizers.bind(
        regularizers.create("pairwise-squared"), ["he", "she", "man", "woman", "chair"]
    )
    assert shipped is not None
    same = shipped.draw(torch.Generator(), 10)
    assert float(drawn(W[drawn.rows], W)) == pytest.approx(float(same(W[same.rows], W)))


def test_the_lexicon_of_the_how_to_is_valid(tmp_path):
    from debiaslab.lexicons import load_file

    text = (DOCS / "how-to" / "word-lists.md").read_text(encoding="utf-8")
    path = tmp_path / "my_lists.yaml"
    path.write_text(blocks(text, "yaml")[0], encoding="utf-8")
    assert set(load_file(path).attributes) == {"age"}
