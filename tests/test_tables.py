"""One table in five forms."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

import pytest

from debiaslab.tables import (
    Column,
    Table,
    TableCell,
    html_document,
    latex_document,
    markdown_document,
    plain_document,
    render,
    span,
)
from debiaslab.tables.terminal import draw

BEST = TableCell(0.5, " (1)", strong=True)
CODES = re.compile(r"\x1b\[[0-9;]*m")
TABLE = Table(
    (
        *(Column("metric", align="left"), Column("words", align="left"), Column("n", ",d")),
        *(Column("value", "+.4f"), Column("95 % interval", span(4))),
        Column("time (s)", ".1f"),
        *(Column("p", ".2g", missing=""), Column("comment", align="left")),
    ),
    [
        ("a_long_name of a metric", "report", 12345, BEST, (0.1, 0.9), 1, 0.01, "x"),
        ("b|c", "tune", 6, -0.25, (None, None), 2.5, None, "words that may be broken at any space"),
        ("d", "all", 7, None, (-0.1234, 1.0), None, 3e-07, ""),
    ],
    "A title of |s|",
    ("what the numbers are", "seeds: 3"),
    "tab:one",
    keys=2,
    marked=frozenset({2}),
    marking="the best",
    breaks=frozenset({1}),
)  # fmt: skip
NUMBERS = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?")


def test_a_notebook_shows_cells_notes_and_what_stands_out():
    shown = html_document([TABLE, "<a word>\nbelow"])
    assert shown.count("<tr>") == 1 + len(TABLE.rows)
    for part in ("<caption>A title of |s|", "<b>+0.5000</b> (1)", "seeds: 3; bold the best"):
        assert part in shown
    assert "<pre>&lt;a word&gt;\nbelow</pre>" in shown


def test_plain_text_is_aligned_and_says_what_the_mark_is():
    title, empty, head, rule, first, gap, *rows = TABLE.plain().splitlines()
    assert (title, empty, gap) == ("A title of |s|", "", "")
    assert set(rule) == {"-"}
    assert head.split()[-3:] == ["(s)", "p", "comment"]
    assert first.index("+0.5000 (1)") + len("+0.5000 (1)") == head.index("value") + len("value")
    assert rows[1].endswith("*")
    assert rows[1].split()[:4] == ["d", "all", "7", "–"]
    assert rows[3:] == ["what the numbers are", "seeds: 3; * the best"]
    bare = Table((Column("a", align="left"), Column("b")), [("日本", 1), ("c", 22)], ruled=False)
    assert bare.plain().splitlines() == ["a      b", "日本   1", "c     22"]


def test_markdown_cuts_no_cell_and_marks_what_stands_out():
    title, _, head, rule, *rows = TABLE.markdown().splitlines()
    assert title == r"**A title of \|s\|**"
    assert rule == "|---|---|---:|---:|---:|---:|---:|---|"
    assert {line.replace(r"\|", "").count("|") for line in (head, rule, *rows[:3])} == {9}
    assert "| **+0.5000** (1) | [0.1000, 0.9000] |" in rows[0]
    assert rows[2].startswith("| **d** | **all** | **7** | **–** |")
    assert "bold the best" in rows[-1]


def test_latex_is_a_table_of_booktabs_with_caption_label_and_notes():
    text = TABLE.latex()
    assert text.startswith("\\begin{table}")
    assert r"\caption{A title of $|$s$|$}" in text
    assert r"\label{tab:one}" in text
    assert r"\begin{tabular}{llrrrrrl}" in text
    assert [text.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 1, 1]
    assert r"a\_long\_name of a metric" in text
    assert r"\textbf{$+0.5000$} (1)" in text
    assert r"& $-0.25" in text
    assert r"95 \% interval" in text
    assert r"{\footnotesize what the numbers are}" in text
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {7}
    assert not set("–−λ±") & set(text)


def test_csv_has_numbers_in_full():
    rows = list(csv.reader(io.StringIO(TABLE.csv())))
    assert rows[0][:3] == ["metric", "words", "n"]
    assert rows[1][2:4] == ["12345", "0.5"]
    assert rows[3][3] == ""
    table = Table((Column("words"), Column("ends")), [(["a", "b"], [1.5, None])])
    assert list(csv.reader(io.StringIO(table.csv())))[1] == ["a;b", "[1.5, null]"]


def shown(width: int) -> list[str]:
    return CODES.sub("", draw(TABLE, width)).splitlines()


def words() -> Iterator[str]:
    for row in TABLE.cells:
        for cell in row[2:7]:
            yield from NUMBERS.findall(cell)


@pytest.mark.parametrize("width", [60, 61, 66, 73, 80, 100, 139, 150, 220])
def test_a_terminal_of_any_width_shows_every_number_whole(width):
    lines = shown(width)
    assert max(map(len, lines)) <= width
    found = NUMBERS.findall("\n".join(lines))
    for number in words():
        assert number in found, number
    rules = [i for i, line in enumerate(lines) if set(line) == {"─"}]
    heads = [lines[i - 1] for i in rules]
    assert len(heads) == (1 if width >= 150 else len(heads))  # what does not fit stands below
    for i in rules:  # with the columns that name a row
        head = " ".join(lines[max(i - 3, 0) : i])
        assert "metric" in head
        assert "words" in head


def test_a_narrow_terminal_is_treated_as_one_of_sixty_columns():
    assert shown(20) == shown(60)


def test_wide_text_is_broken_between_words_only():
    name = "projection@0.05+hard@1e-06"
    table = Table((Column("strategy", align="left"), Column("x" * 50)), [(name, 1)])
    lines = CODES.sub("", draw(table, 60)).splitlines()
    assert not any(re.search(r"\d\.$|e$|-$", line.split()[0]) for line in lines if line.split())
    assert "0.05+" in "\n".join(lines)
    assert "1e-06" in "\n".join(lines)


def test_what_is_printed_follows_the_output(monkeypatch):
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setattr("os.isatty", lambda number: False)
    assert render(TABLE) == TABLE.plain()
    assert render("text") == "text"
    monkeypatch.setattr("os.isatty", lambda number: True)
    monkeypatch.setenv("COLUMNS", "80")
    assert "─" in render(TABLE)


def test_columns_that_say_nothing_are_left_out():
    columns = (Column("a"), Column("b"), Column("c"))
    table = Table(columns, [(1, None, ""), (2, None, "")], keys=2).without_empty_columns()
    assert table.head == ("a",)
    assert table.keys == 1


def test_documents_hold_tables_and_text():
    blocks = (TABLE, "one_line", "two\nlines")
    assert plain_document(blocks) == f"{TABLE.plain()}\n\none_line\n\ntwo\nlines\n"
    assert markdown_document(blocks).endswith("one\\_line\n\n```text\ntwo\nlines\n```\n")
    assert latex_document(blocks) == f"{TABLE.latex()}\n"
