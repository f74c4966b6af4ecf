"""The command line: parse, call one command, print its text and tables. Nothing else prints."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn, TextIO

from debiaslab.commands.options import Command, check_files, named_first, prepare, writes
from debiaslab.errors import DifferenceError, UserError, nearest
from debiaslab.system.files import writing_error
from debiaslab.system.provenance import redact
from debiaslab.tables import render

_COMMANDS = {  # name → its module, and what it does in a few words
    "corpus": ("corpus", "encode a text and show what it covers"),
    "train": ("training", "train one set of vectors and save it"),
    "sweep": ("study", "search λ of a strategy, logging every run to MLflow"),
    "plan": ("study", "show what a sweep would do and how long it would take"),
    "status": ("upkeep", "show what of a study is done, running, failed or missing"),
    "resume": ("study", "continue a study by its name"),
    "archive": ("upkeep", "write a study to one file, to be moved"),
    "restore": ("upkeep", "put the studies of an archive into the store"),
    "reproduce": ("report", "make a run again from what was logged and compare"),
    "delete": ("upkeep", "remove a study for good: runs, files and search"),
    "prune-store": ("upkeep", "remove what crashed runs left in the store"),
    "compare": ("study", "train strategies side by side and tabulate them"),
    "report": ("report", "write the report of a study as one page, PDF or Markdown"),
    "floor": ("study", "show what the lipstick tests show without any gender in the text"),
    "planted": ("study", "plant a bias of a known dose and see which metrics follow it"),
    "export": ("vectors", "write the CodaLab file, or the vectors, of a run"),
    "evaluate": ("evaluate", "measure the bias and utility of vector files"),
    "test": ("evaluate", "test whether two kinds of vectors differ, over shared seeds"),
    "debias": ("training", "debias finished vectors with a post-processing strategy"),
    "reliability": ("vectors", "show how far bias scores hold over pairs, words, rules and seeds"),
    "neighbors": ("vectors", "show the words nearest to a word, one or two vectors side by side"),
    "lexicon": ("lexicon", "list and show the word lists, check them against vectors"),
    "strategies": ("registries", "list the debiasing strategies"),
    "metrics": ("registries", "list the metrics of the scorecard"),
    "studies": ("upkeep", "list the studies of the store"),
    "score": ("competition", "score files of similarities as the competition does"),
    "bundle": ("competition", "write a competition for a class"),
    "bench": ("bench", "measure how fast training is here, by batch size or threads"),
    "ui": ("report", "open the MLflow UI on the store"),
}
COMMANDS = {name: summary for name, (_, summary) in _COMMANDS.items()}
_OUT_OF_SPACE = {errno.ENOSPC, errno.EDQUOT}
_OF_THE_FILE_SYSTEM = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG, errno.EIO}


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one sentence with the nearest match."""

    def error(self, message: str) -> NoReturn:
        """Raise the message as a UserError instead of printing usage."""
        raise UserError(message.removeprefix("argument "), next_step=f"{self.prog} --help")

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse; a study may be named by its place or by ``--study``."""
        return super().parse_known_args(named_first(self, args or ()), namespace)

    def refuse(self, extra: Sequence[str]) -> NoReturn:
        """Raise a UserError about arguments that nothing takes."""
        option = extra[0].split("=")[0]
        raise UserError(
            f"{' '.join(extra)} is not understood",
            nearest=nearest(option, self._option_string_actions),
            next_step=f"{self.prog} --help",
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code.

    0; 1 when it was to compare and found a difference; 2 when it could not do its work; 130 when
    interrupted.

    Any other exception is a bug, and goes on as it is.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    command = _command_of(argv)
    with _streams() as out, _own_warnings(), _termination():
        try:
            if (gone := _folder_is_gone()) is not None:
                raise gone
            return _run(argv, command, out)
        except UserError as error:
            return _refused(error)
        except KeyboardInterrupt:
            said = (command_class(command) if command in COMMANDS else Command).interrupted
            print(f"\ndebiaslab: {said}", file=sys.stderr)
            return 130
        except MemoryError as error:
            return _refused(
                UserError(
                    f"there is not enough memory ({error or 'no size given'})",
                    next_step="a smaller --dim or a larger --min-count",
                )
            )
        except OSError as error:  # such as from a library's own files in /tmp
            return _refused(_of_the_file_system(error))


def _run(argv: list[str], command: str | None, out: _Stream) -> int:
    parser = _Parser(
        prog="python -m debiaslab",
        description="Debiasing studies on word embeddings: text → sweep → MLflow → CodaLab file.",
        epilog="example: python -m debiaslab sweep --strategy projection",
        formatter_class=_ListFormatter,
    )
    chosen = parser
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, summary in COMMANDS.items():
        own = commands.add_parser(
            name, help=summary, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        if name == command:  # only the module of the command that was asked for is imported
            chosen = own
            prepare(chosen, command_class(name))
    if command is not None and command not in COMMANDS:
        raise UserError(
            f"there is no command {command!r}",
            allowed=", ".join(COMMANDS),
            nearest=nearest(command, COMMANDS),
            next_step="python -m debiaslab --help",
        )
    args, extra = parser.parse_known_args(argv)
    if extra:
        chosen.refuse(extra)
    if args.command is None:
        parser.print_help()
        return 0
    given = {place: value for place, value in vars(args).items() if place != "command"}
    asked = command_class(args.command).made(given)
    check_files(given, asked, chosen)
    for said in asked.run():
        print(render(said), flush=True)
        if out.lost is not None and not writes(asked):
            break  # nobody reads on, and nothing else is left to do
    if out.lost is not None and not isinstance(out.lost, BrokenPipeError):
        raise UserError(
            f"the output cannot be written: {out.lost.strerror or out.lost}",
            next_step="> FILE in a folder with free space",
        )
    return 0


class _Stream:
    """stdout or stderr as long as it can be written: `debiaslab … | head` reads only a part.

    What comes later is dropped, so that the command writes the files it was asked for.
    """

    def __init__(self, stream: TextIO) -> None:
        self.lost: OSError | None = None  # why it cannot be written any more
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, unless the stream was lost."""
        self._try(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        """Flush, unless the stream was lost."""
        self._try(self._stream.flush)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _try(self, action: Callable[..., object], *given: str) -> None:
        if self.lost is not None:
            return
        try:
            action(*given)
        except OSError as error:
            self.lost = error
            # What Python still holds for the stream would fail again at its exit.
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())


@contextmanager
def _streams() -> Iterator[_Stream]:
    """Let nothing that is printed end the command; yield stdout."""
    before = sys.stdout, sys.stderr
    # A stream that the shell closed (>&-) leaves its number to the next file that is opened.
    out, err = (open(os.devnull, "w") if each is None else each for each in before)  # noqa: SIM115
    for stream in (out, err):
        if hasattr(stream, "reconfigure"):  # λ and · need not be in the terminal's code page
            stream.reconfigure(errors="backslashreplace")
    sys.stdout, sys.stderr = _Stream(out), _Stream(err)
    try:
        yield sys.stdout
    finally:
        sys.stdout.flush()
        sys.stdout, sys.stderr = before


def _command_of(argv: Sequence[str]) -> str | None:
    return next((word for word in argv if not word.startswith("-")), None)


def command_class(name: str | None) -> type[Command]:
    """Return the class of a command: only its module is imported."""
    home, _ = _COMMANDS[str(name)]
    found: type[Command] = getattr(
        import_module(f"debiaslab.commands.{home}"), f"{str(name).title().replace('-', '')}Command"
    )
    return found


class _ListFormatter(argparse.RawDescriptionHelpFormatter):
    """Make the first column wide enough for each command to stand beside its summary."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog)
        self._action_max_length = max(map(len, COMMANDS)) + self._indent_increment * 2


def _folder_is_gone() -> UserError | None:
    try:
        os.getcwd()
    except OSError as error:
        return UserError(
            f"the folder that this shell works in cannot be used: {error.strerror or error}",
            allowed="a folder that is there: it was deleted, or moved to where you may not look",
            next_step="cd to another folder, then the same command again",
        )
    return None


def _of_the_file_system(error: OSError) -> UserError:
    """Put in a sentence what the file system refuses; any other OSError is a bug."""
    name = str(error.filename or "a temporary file")
    if (gone := _folder_is_gone()) is not None:
        return gone
    if error.errno in _OUT_OF_SPACE:
        return writing_error(Path(name), error)
    if error.errno in _OF_THE_FILE_SYSTEM:
        return UserError(f"{_shortened(name)}: {error.strerror}", allowed="a path that can be used")
    raise error


def _shortened(name: str) -> str:
    return name if len(name) <= 80 else f"{name[:40]}…{name[-20:]}"


def _refused(error: UserError) -> int:
    print(f"debiaslab: {redact(str(error))}", file=sys.stderr)
    return 1 if isinstance(error, DifferenceError) else 2


@contextmanager
def _own_warnings() -> Iterator[None]:
    """Show our own warnings in one line each, and those of libraries only when asked for."""
    with warnings.catch_warnings():
        if not sys.warnoptions:  # python -W and PYTHONWARNINGS ask
            warnings.simplefilter("ignore")
            warnings.filterwarnings("default", module=r"debiaslab\b")
        warnings.showwarning = _one_line_warning
        yield


def _one_line_warning(
    message: Warning | str, category: type[Warning], *_: object, **__: object
) -> None:
    print(f"debiaslab: warning: {redact(str(message))}", file=sys.stderr)


@contextmanager
def _termination() -> Iterator[None]:
    """Let SIGTERM end the command like Ctrl-C does: runs are closed, child processes ended."""
    if threading.current_thread() is not threading.main_thread():  # where no handler can be set
        yield
        return

    def leave(number: int, _: object) -> NoReturn:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _version() -> str:
    from debiaslab import __version__

    return f"debiaslab {__version__}"
