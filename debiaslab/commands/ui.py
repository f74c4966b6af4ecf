"""Start the MLflow UI on the store and print the address of the study. Ctrl-C ends it."""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Iterator

from debiaslab.commands.arguments import add_store

EXAMPLES = """examples:
  python -m debiaslab ui
  python -m debiaslab ui --study NAME --port 5001"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--study", metavar="NAME", help="study to link to; none: the newest")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=5000, help="port to prefer")
    add_store(parser)


def run(args: argparse.Namespace) -> Iterator[str]:
    """Print the link, then serve until interrupted."""
    from debiaslab.tracking import Store, free_port, is_server, ui_command, ui_environment

    store = Store.open(args.store, create=False)
    study = store.newest_study() if args.study is None else store.study_named(args.study)
    if is_server(store):
        yield f"the store is a server already: {store.link(study.run_id, store.uri)}"
        return
    port = free_port(args.port)
    yield f"study {study.name}: {store.link(study.run_id, f'http://{args.host}:{port}')}"
    yield "starting the MLflow UI (Ctrl-C ends it) …"
    subprocess.run(ui_command(store, args.host, port), env=ui_environment(store), check=False)
