"""Commands that read a finished study: its report, its runs in the MLflow UI, a run made again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from debiaslab.commands.options import CACHE, Input, Output, Said
from debiaslab.commands.stores import ReadsStore, WritesStore, one_of, open_store, study_name
from debiaslab.errors import DifferenceError, UserError
from debiaslab.settings.options import Text, Whole, command, option
from debiaslab.tables import Column, Table

if TYPE_CHECKING:
    from debiaslab.report import ReportContent
    from debiaslab.study.single import Reproduction
    from debiaslab.tracking import Store

_ENDINGS = {"html": ".html", "pdf": ".pdf", "markdown": ".md"}
_SHOWN = 10  # numbers that differ


@command
class ReportCommand(WritesStore):
    """Write the report of a study: one HTML page that needs no network, or PDF, or Markdown.

    Question, corpus, method, budget, the result in one sentence with its interval, figures, tables,
    neighbours before and after, what was held out, and how to do it again; all from the tracking
    store. The HTML page is also kept with the study's run, where the MLflow UI shows it
    (report.html), and made again when the study is resumed. With --run it is the page of one
    training: its scorecard beside the baseline's, associations and running loss.
    """

    examples = """examples:
  python -m debiaslab report --study quickstart
  python -m debiaslab report --study quickstart --format pdf --out quickstart.pdf
  python -m debiaslab report --study quickstart --out notes/quickstart.md
  python -m debiaslab report --run RUN_ID"""
    study: Text | None = study_name("the newest")
    run_id: Text | None = option(
        "of train, sweep or compare, instead of a study: the id, or its first letters",
        flag="--run",
        default=None,
        metavar="RUN_ID",
    )
    out: Output | None = option(
        "file to write; none: reports/NAME, or reports/ with the id of the run",
        default=None,
        metavar="FILE",
    )
    format: Literal["html", "pdf", "markdown"] | None = option(
        f"{', '.join(_ENDINGS)}; none: by the ending of --out, else html", default=None
    )

    def run(self) -> Said:
        """Write the report and say where it is."""
        from debiaslab.report import html_page
        from debiaslab.results import read_study
        from debiaslab.study.kept import log_page, report_of, report_of_run
        from debiaslab.system.files import check_output
        from debiaslab.tracking.names import REPORT

        if self.run_id is not None and self.study is not None:
            one_of(study=self.study, run=self.run_id)
        form = self.format or _format(self.out)
        store = open_store(self.store)
        name = self._name(store)
        out = Path(self.out or Path("reports") / f"{name}{_ENDINGS[form]}")
        check_output(out)
        if self.run_id is None:
            study = read_study(store, name)
            of, run_id, report = "study", study.parent.run_id, report_of(study)
        else:
            of, run_id, report = "run", name, report_of_run(store, name)
        page = html_page(report)
        written = list(_written(report, page, form, out))
        if (why := store.untouchable) is None:
            writer = open_store(self.store, write=True).writer(run_id)
            log_page(writer, page, report.drawings, full=self.run_id is None)
        yield report.headline
        yield from written
        if why is not None:
            yield f"the page is not kept with the {of}: {why}"
        elif self.run_id is None:
            yield f"next: {self.next('ui', '--study', name)}  (Artifacts → {REPORT})"
        else:
            yield f"kept with the run, where the MLflow UI shows it (Artifacts → {REPORT})"

    def _name(self, store: Store) -> str:
        """Return the name of the study, or the id of the run."""
        if self.run_id is not None:
            return store.run_named(self.run_id).run_id
        return self.study if self.study is not None else store.newest_study().study


def _format(out: str | None) -> str:
    """Return the format that the ending of a file names."""
    if out is None:
        return "html"
    endings = {ending: form for form, ending in _ENDINGS.items()} | {".htm": "html"}
    if (form := endings.get(Path(out).suffix.lower())) is None:
        raise UserError(
            f"--out {out!r} has no ending that names a format",
            allowed=", ".join(_ENDINGS.values()),
            next_step=f"--format html --out {out}",
        )
    return form


def _written(report: ReportContent, page: str, form: str, out: Path) -> Iterator[str]:
    from debiaslab.report import markdown_page, pdf_page
    from debiaslab.system.files import write_file

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


@command
class ReproduceCommand(ReadsStore):
    """Make a run again from what was logged of it, and say whether it comes out the same.

    Nothing is checked out or installed: a table shows what the result depends on, as it was and as
    it is here. Nothing is logged. The exit code is 0 when vectors and numbers are identical, 1 when
    they are not, 2 when the run cannot be made again here.
    """

    examples = """examples:
  python -m debiaslab reproduce RUN_ID
  python -m debiaslab reproduce RUN_ID /data/biographies.txt.gz --store elsewhere"""
    run_id: Text = option(
        "of train, sweep or compare: the id, or its first letters", flag="run_id", metavar="RUN_ID"
    )
    corpus: tuple[Input, ...] = option(
        "where its text is now", default=(), flag="corpus", metavar="CORPUS"
    )

    def run(self) -> Said:
        """Make the run again.

        Raises:
            UserError: It cannot be made again here.
            DifferenceError: It came out differently.
        """
        from debiaslab.study.single import circumstances, find_corpus, make_again, read_recipe

        recipe = read_recipe(open_store(self.store), self.run_id)
        corpus = find_corpus(recipe, self.corpus, CACHE)
        found = circumstances(recipe, corpus)
        yield f"run       {recipe.run.name} ({recipe.run.run_id})\n"
        columns = [Column(name, align="left") for name in ("", "as it was", "here")]
        rows = [(each.what, each.then, "the same" if each.same else each.here) for each in found]
        yield Table(tuple(columns), rows, ruled=False)
        if (threads := recipe.cell.settings.threads) > 1:
            yield (
                f"\n{threads} threads: the order of updates was chance, so equal "
                "bytes are not to be expected"
            )
        verdict = make_again(recipe, corpus)
        yield ""
        yield from _verdict(verdict)
        if not verdict.identical:
            other = ", ".join(each.what for each in found if not each.same)
            raise DifferenceError(
                f"the run {recipe.run.run_id} did not come out the same",
                next_step=f"what is other here: {other}"
                if other
                else "docs/how-to/reproduce.md, on what has to be equal",
            )


def _verdict(verdict: Reproduction) -> Iterator[str]:
    if not verdict.same_words:
        yield "vectors   of other words, or another dimension"
    elif verdict.largest == 0:
        yield "vectors   identical, bit for bit"
    else:
        yield (
            f"vectors   differ by at most {verdict.largest:.3g}; smallest cosine between the two "
            f"vectors of a word {verdict.cosine:.6f}"
        )
    equal = verdict.measured - len(verdict.differing)
    yield f"scorecard {equal} of {verdict.measured} numbers identical"
    for name, then, here in verdict.differing[:_SHOWN]:
        yield f"          {name}: {then:.6g} → {here:.6g}"
    if len(verdict.differing) > _SHOWN:
        yield f"          and {len(verdict.differing) - _SHOWN} more"
    if verdict.elsewhere:
        yield (
            f"          {verdict.elsewhere} more need the baseline's vectors, which the store does "
            "not have"
        )


@command
class UiCommand(ReadsStore):
    """Start the MLflow UI on the store and print the address of the study. Ctrl-C ends it."""

    examples = """examples:
  python -m debiaslab ui
  python -m debiaslab ui --study NAME --port 5001"""
    study: Text | None = study_name("the newest")
    host: Text = option("address to listen on", default="127.0.0.1")
    port: Whole = option("port to prefer", default=5000, ge=1, le=65535)

    def run(self) -> Said:
        """Print the link, then serve until interrupted."""
        from debiaslab.tracking import free_port, is_server, ui_command, ui_environment

        store = open_store(self.store, write=True)
        study = store.newest_study() if self.study is None else store.study_named(self.study)
        if is_server(store):
            yield f"the store is a server already: {store.link(study.run_id, store.uri)}"
            return
        port = free_port(self.port, self.host)
        store.save_view(study.study, study.run_id)  # a study made by an older version has none
        base = f"http://{self.host}:{port}"
        yield f"study {study.study}: {store.link(study.run_id, base)}"
        yield f"its runs, the best first: {store.view_link(study.run_id, base)}"
        yield "starting the MLflow UI (Ctrl-C ends it) …"
        # MLflow's own deprecation warnings are not for its users.
        quiet = {"PYTHONWARNINGS": "ignore", **ui_environment(store)}
        code = _serve(ui_command(store, self.host, port), quiet)
        if code:
            raise UserError(
                f"the MLflow UI ended with exit code {code}", next_step=f"--port {port + 1}"
            )
        yield "the MLflow UI has ended"


def _serve(command: list[str], environment: dict[str, str]) -> int:
    """Run the server until it ends or is interrupted, and leave none of its workers behind."""
    server = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        _end(server)


def _end(server: subprocess.Popen[bytes]) -> None:
    """End the server and its workers: a worker outlives a server that is killed alone."""
    if sys.platform == "win32":
        server.terminate()
    else:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
    try:
        server.wait(timeout=10)
    except subprocess.TimeoutExpired:
        server.kill()
