"""The command line: parse, call one command, print what it says. Nothing else here prints."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from debiaslab.errors import UserError, nearest

COMMANDS = {
    "corpus": "encode a text and show what it covers",
    "train": "train one set of vectors and save it",
    "sweep": "search λ of a strategy, logging every run to MLflow",
    "export": "write the CodaLab file, or the vectors, of a run",
    "evaluate": "measure the bias and utility of vector files",
    "neighbors": "show the nearest words of a word, in one or two sets of vectors",
    "strategies": "list the debiasing strategies",
    "studies": "list the studies of the store",
    "bench": "measure how fast training is here, by batch size or threads",
    "ui": "open the MLflow UI on the store",
}


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one sentence with the nearest match."""

    def error(self, message: str) -> NoReturn:
        """Raise the message as a UserError instead of printing usage."""
        raise UserError(message, next_step=f"{self.prog} --help")

    def refuse(self, extra: Sequence[str]) -> NoReturn:
        """Raise a UserError about arguments that nothing takes."""
        option = extra[0].split("=")[0]
        raise UserError(
            f"{' '.join(extra)} is not understood",
            nearest=nearest(option, self._option_string_actions),
            next_step=f"{self.prog} --help",
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code: 0, 2 for bad input, 130 when interrupted."""
    argv = sys.argv[1:] if argv is None else list(argv)
    warnings.showwarning = _one_line_warning
    try:
        return _run(argv)
    except UserError as error:
        print(f"debiaslab: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            "\ndebiaslab: interrupted; what was recorded is kept; try: the same command again, "
            "which goes on from there",
            file=sys.stderr,
        )
        return 130
    except BrokenPipeError:  # `debiaslab … | head`: the reader has what it wanted
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(argv: list[str]) -> int:
    parser = _Parser(
        prog="python -m debiaslab",
        description="Debiasing studies on word embeddings: text → sweep → MLflow → CodaLab file.",
        epilog="example: python -m debiaslab sweep --strategy projection",
    )
    chosen = parser
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    wanted = next((word for word in argv if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        if name == wanted:
            chosen = _add_command(commands, name, summary)
        else:
            commands.add_parser(name, help=summary)
    if wanted is not None and wanted not in COMMANDS:
        raise UserError(
            f"there is no command {wanted!r}",
            allowed=", ".join(COMMANDS),
            nearest=nearest(wanted, COMMANDS),
            next_step="python -m debiaslab --help",
        )
    args, extra = parser.parse_known_args(argv)
    if extra:
        chosen.refuse(extra)
    if args.command is None:
        parser.print_help()
        return 0
    for text in import_module(f"debiaslab.commands.{args.command}").run(args):
        print(text, flush=True)
    return 0


def _add_command(commands: argparse._SubParsersAction[_Parser], name: str, summary: str) -> _Parser:
    """Add the command that was asked for: only its module is imported."""
    module = import_module(f"debiaslab.commands.{name}")
    parser = commands.add_parser(
        name,
        help=summary,
        description=module.__doc__,
        epilog=module.EXAMPLES,
        formatter_class=_HelpFormatter,
    )
    module.add_arguments(parser)
    return parser


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Keep the line breaks of examples, and show the defaults that say something."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default is None or isinstance(action.default, (bool, list)):
            return action.help
        return super()._get_help_string(action)


def _one_line_warning(
    message: Warning | str, category: type[Warning], *_: object, **__: object
) -> None:
    print(f"debiaslab: warning: {message}", file=sys.stderr)


def _version() -> str:
    from debiaslab import __version__

    return f"debiaslab {__version__}"
