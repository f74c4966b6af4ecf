"""Processes of the program that begin at once: forked from one that has imported it all.

Imports take a command five seconds of a processor, and dozens of tests start one, to kill it or to
have two at a time. These processes have an id, an exit code, signals and a folder of their own, and
have opened nothing before they begin. Tests of what is imported, and when, start an interpreter.
"""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

ADDRESS = "DEBIASLAB_TEST_FORKS"  # of the server, for all processes of a run of the suite


class Process:
    """One that was forked, with what tests use of `subprocess.Popen`."""

    def __init__(self, request: dict[str, Any], files: Sequence[int]) -> None:
        self.returncode: int | None = None
        self._server = socket.socket(socket.AF_UNIX)
        self._server.connect(os.environ[ADDRESS])
        socket.send_fds(self._server, [json.dumps(request).encode() + b"\n"], files)
        self._answers = self._server.makefile("r")
        self.pid = int(self._answers.readline())

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return its exit code, a negative one of a signal."""
        if self.returncode is None:
            if not select.select([self._server], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("a forked process", timeout or 0)
            self.returncode = os.waitstatus_to_exitcode(int(self._answers.readline()))
            self._server.close()
        return self.returncode

    def poll(self) -> int | None:
        """Return its exit code if it has ended."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)


def begin(
    command: Sequence[object],
    *,
    cwd: str | Path = ".",
    env: dict[str, str] | None = None,
    stdout: int | IO[Any] = 1,
    stderr: int | IO[Any] = 2,
    session: bool = False,
    preload: Sequence[str] = (),
) -> Process:
    """Begin ``-m module …`` or ``-c code …``, as an interpreter takes them.

    Args:
        session: Whether it leads a group of processes, which can be killed together.
        preload: Modules that the server imports before, if it has not.
    """
    request = {
        "command": [str(word) for word in command],
        "cwd": str(Path(cwd).resolve()),
        "env": dict(os.environ if env is None else env),
        "session": session,
        "preload": list(preload),
    }
    with Path(os.devnull).open("wb") as nowhere:
        files = [nowhere if each == subprocess.DEVNULL else each for each in (stdout, stderr)]
        return Process(
            request, [each if isinstance(each, int) else each.fileno() for each in files]
        )


def run(command: Sequence[object], **named: Any) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; return its exit code and what it wrote."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        code = begin(command, **{"stdout": out, "stderr": err, **named}).wait()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(list(command), code, out.read(), err.read())


@contextmanager
def server() -> Iterator[None]:
    """Serve forks, to this process and those that it starts, until it ends or is killed."""
    with tempfile.TemporaryDirectory(prefix="forks-") as folder:
        os.environ[ADDRESS] = f"{folder}/socket"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.environ[ADDRESS])
            listener.listen()
            running = subprocess.Popen(
                [sys.executable, "-m", "tests.forking", str(listener.fileno())],
                cwd=Path(__file__).parents[1],
                stdin=subprocess.PIPE,  # open as long as this process is there
                stdout=subprocess.DEVNULL,
                pass_fds=[listener.fileno()],
                start_new_session=True,
            )
        yield
        running.communicate()


# The server -----------------------------------------------------------------------------------


def serve(listener: socket.socket) -> None:
    """Fork, at each request, a process that begins another and tells of its end."""
    while sys.stdin not in select.select([sys.stdin, listener], [], [])[0]:
        asked, _ = listener.accept()
        with asked:
            request, files = received(asked)
            import_all(request["preload"])
            if os.fork() == 0:
                listener.close()
                watch(request, files, asked)
            for file in files:
                os.close(file)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def import_all(more: Sequence[str]) -> None:
    """Import what commands do, once somebody asks for one."""
    import debiaslab.study.preload  # noqa: F401
    from tests.shared import without_the_disk

    without_the_disk()
    for module in more:
        __import__(module)


def watch(request: dict[str, Any], files: list[int], asked: socket.socket) -> None:
    """Begin the process; tell whoever asked its id, and how it ended."""
    if (pid := os.fork()) == 0:
        asked.close()
        become(request, files)
    with suppress(OSError):  # who asked is gone
        asked.sendall(f"{pid}\n".encode())
        asked.sendall(f"{os.waitpid(pid, 0)[1]}\n".encode())
    os._exit(0)


def become(request: dict[str, Any], files: list[int]) -> None:
    """Be the process that was asked for, from its beginning to its end."""
    if request["session"]:
        os.setsid()
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    for number, file in enumerate(files, 1):
        os.dup2(file, number)
        os.close(file)
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    if "--workers" in request["command"]:
        keep_one_in_reserve()
    end(perform(*request["command"]))


def perform(kind: str, what: str, *words: str) -> int:
    """Do what an interpreter does with ``-m module`` or ``-c code``; return the exit code."""
    try:
        sys.argv = ["-c" if kind == "-c" else what, *words]
        if kind == "-m":
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        else:
            exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return ended.code or 0
        print(ended.code, file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        traceback.print_exc()
        return -signal.SIGINT
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def end(code: int) -> None:
    """End as an interpreter does."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    with suppress(OSError):
        sys.stdout.flush()
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def keep_one_in_reserve() -> None:
    """Let the server of forks that a driver of workers starts be a process that is forked now.

    It is the driver's child, has opened nothing either, and need not import all of it again.
    """
    from multiprocessing import util

    ours, theirs = socket.socketpair()
    if (pid := os.fork()) == 0:
        ours.close()
        with theirs, suppress(EOFError):  # when it is not needed
            asked, files = received(theirs)
            aside = [fcntl.fcntl(file, fcntl.F_DUPFD, 900) for file in files]
            for file, number in zip(aside, asked["files"], strict=True):
                os.dup2(file, number)  # where the code looks for them
            end(perform("-c", asked["code"]))
        os._exit(0)
    theirs.close()
    spawn = util.spawnv_passfds

    def spawned(path: object, args: Sequence[Any], files: Sequence[int]) -> int:
        if "multiprocessing.forkserver" not in str(args[-1]):
            return spawn(path, args, files)  # type: ignore[arg-type]
        request = {"code": args[-1], "files": list(files)}
        with ours:
            socket.send_fds(ours, [json.dumps(request).encode() + b"\n"], files)
        util.spawnv_passfds = spawn
        return pid

    util.spawnv_passfds = spawned


def received(sender: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Receive a request and the files that come with it."""
    message, files = b"", list[int]()
    while not message.endswith(b"\n"):
        more, passed, _, _ = socket.recv_fds(sender, 1 << 16, 16)
        if not more:
            raise EOFError("nobody asks any more")
        message, files = message + more, files + passed
    return json.loads(message), files


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
