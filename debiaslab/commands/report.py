"""Write the report of a study: one HTML page that needs no network, or PDF, or Markdown.

Question, corpus, method, budget, the result in one sentence with its interval, figures, tables,
neighbours before and after, what was held out, and how to do it again; all from the tracking store.
The HTML page is also kept with the study's run, where the MLflow UI shows it (report.html), and
made anew by a sweep that goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from debiaslab.commands.arguments import (
    add_store,
    add_study_name,
    next_command,
    open_store,
    open_store_to_write,
)
from debiaslab.commands.files import Output
from debiaslab.errors import UserError, nearest
from debiaslab.system.outputs import check_output

if TYPE_CHECKING:
    from debiaslab.report import ReportContent

EXAMPLES = """examples:
  python -m debiaslab report --study quickstart
  python -m debiaslab report --study quickstart --format pdf --out quickstart.pdf
  python -m debiaslab report --study quickstart --out notes/quickstart.md"""
_ENDINGS = {"html": ".html", "pdf": ".pdf", "markdown": ".md"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_study_name(parser, instead="the newest")
    parser.add_argument(
        "--out", type=Output, metavar="FILE", help="file to write; none: reports/NAME"
    )
    parser.add_argument(
        "--format",
        metavar="FORMAT",
        help=f"{', '.join(_ENDINGS)}; none: by the ending of --out, else html",
    )
    add_store(parser, written=True)


def run(args: argparse.Namespace) -> Iterator[str]:
    """Write the report and say where it is."""
    from debiaslab.report import html_page
    from debiaslab.results import read_study
    from debiaslab.study.kept import log_report, report_of
    from debiaslab.tracking.names import REPORT

    form = _format(args.format, args.out)
    store = open_store(args)
    name = args.study if args.study is not None else store.newest_study().study
    out = Path("reports") / f"{name}{_ENDINGS[form]}" if args.out is None else Path(args.out)
    check_output(out)
    study = read_study(store, name)
    report = report_of(study)
    page = html_page(report)
    written = list(_written(report, page, form, out))
    if (why := store.untouchable) is None:
        log_report(open_store_to_write(args), study.parent.run_id, page)
    yield report.headline
    yield from written
    if why is not None:
        yield f"the page is not kept with the study: {why}"
        return
    then = next_command("ui", "--study", name, store=args.store)
    yield f"next: {then}  (Artifacts → {REPORT})"


def _format(name: str | None, out: str | None) -> str:
    endings = {ending: form for form, ending in _ENDINGS.items()} | {".htm": "html"}
    if name is None:
        ending = "" if out is None else Path(out).suffix.lower()
        if out is not None and ending not in endings:
            raise UserError(
                f"--out {out!r} has no ending that names a format",
                allowed=", ".join(_ENDINGS.values()),
                next_step=f"--format html --out {out}",
            )
        return endings.get(ending, "html")
    if name not in _ENDINGS:
        raise UserError(
            f"--format was {name!r}", allowed=", ".join(_ENDINGS), nearest=nearest(name, _ENDINGS)
        )
    return name


def _written(report: ReportContent, page: str, form: str, out: Path) -> Iterator[str]:
    from debiaslab.report import markdown_page, pdf_page
    from debiaslab.system.atomic import write_file

    if form == "markdown":
        folder = out.with_name(f"{out.stem}-figures")
        for drawing in report.drawings:
            write_file(folder / f"{drawing.name}.png", drawing.png)
        content: str | bytes = markdown_page(report, folder.name)
        yield f"wrote {len(report.drawings)} figures in {folder}"
    else:
        content = page if form == "html" else pdf_page(report)
    write_file(out, content)
    yield f"wrote {out} ({out.stat().st_size / 1e6:.1f} MB)"
