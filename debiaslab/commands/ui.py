"""Start the MLflow UI on the store and print the address of the study. Ctrl-C ends it."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

from debiaslab.commands.arguments import add_store, add_study_name, open_store_to_write, whole
from debiaslab.errors import UserError

EXAMPLES = """examples:
  python -m debiaslab ui
  python -m debiaslab ui --study NAME --port 5001"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_study_name(parser, instead="the newest")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=whole(1, 65535), default=5000, help="port to prefer")
    add_store(parser)


def run(args: argparse.Namespace) -> Iterator[str]:
    """Print the link, then serve until interrupted."""
    from debiaslab.tracking import free_port, is_server, ui_command, ui_environment

    store = open_store_to_write(args)
    study = store.newest_study() if args.study is None else store.study_named(args.study)
    if is_server(store):
        yield f"the store is a server already: {store.link(study.run_id, store.uri)}"
        return
    port = free_port(args.port, args.host)
    store.save_view(study.study, study.run_id)  # a study made by an older version has none
    base = f"http://{args.host}:{port}"
    yield f"study {study.study}: {store.link(study.run_id, base)}"
    yield f"its runs, the best first: {store.view_link(study.run_id, base)}"
    yield "starting the MLflow UI (Ctrl-C ends it) …"
    # MLflow's own deprecation warnings are not for its users.
    quiet = {"PYTHONWARNINGS": "ignore", **ui_environment(store)}
    code = _serve(ui_command(store, args.host, port), quiet)
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
