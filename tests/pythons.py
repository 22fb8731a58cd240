"""Pythons of their own, forked from one that has imported everything.

To import what the command needs takes a new Python more than a second of processor time, a fork
some milliseconds. Like any process a fork has its own memory and can be killed. What is about the
start or the end of Python (imports, flags, closed streams) needs one that is really new.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any


class Python:
    """A running Python, as much of `subprocess.Popen` as the tests need."""

    def __init__(self, pid: int, status: int, stdout: IO[str] | None, stderr: IO[str] | None):
        self.pid, self.stdout, self.stderr = pid, stdout, stderr
        self.returncode: int | None = None
        self._status = status

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, and return its exit code, or minus the signal that ended it."""
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("python", timeout or 0)
            self.returncode = os.waitstatus_to_exitcode(int(os.read(self._status, 20)))
            os.close(self._status)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Return the rest of what it prints: little enough for pipes to hold."""
        self.wait(timeout)
        assert self.stdout is not None
        assert self.stderr is not None
        return self.stdout.read(), self.stderr.read()


class Pythons:
    """Starts them, by a server that is started when the first one is asked for."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[bytes] | None = None

    def _linked(self) -> socket.socket:
        if self._server is None:
            self._link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
            script = Path(__file__).with_name("pythons_server.py")
            with theirs:
                self._server = subprocess.Popen(
                    [sys.executable, script, str(theirs.fileno())],
                    pass_fds=[theirs.fileno()],
                    env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": ""},
                )
        return self._link

    def close(self) -> None:
        if self._server is not None:
            self._link.close()
            self._server.wait()

    def _start(self, args: Any, streams: Any, cwd: Any, env: Any) -> tuple[int, int]:
        """Fork, with three streams, and return its number and what its status will come from."""
        status, theirs = os.pipe()
        request = {
            "args": [str(each) for each in args],
            "cwd": str(cwd or Path.cwd()),
            "env": os.environ | (env or {}),
        }
        with tempfile.TemporaryFile() as file:
            file.write(json.dumps(request).encode())
            file.flush()
            fds = [file.fileno(), theirs, *(stream.fileno() for stream in streams)]
            socket.send_fds(self._linked(), [b"start"], fds)
            pid = int(self._link.recv(20))
        os.close(theirs)
        return pid, status

    def run(self, *args: Any, cwd=None, env=None, timeout=60.0, **streams: Any):
        """Run one to its end, as `subprocess.run` with text captured."""
        with (
            open(os.devnull) as nothing,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            given = {"stdin": nothing, "stdout": out, "stderr": err} | streams
            pid, status = self._start(args, given.values(), cwd, env)
            process = Python(pid, status, None, None)
            try:
                code = process.wait(timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise
            printed = []
            for file in (out, err):
                file.seek(0)
                printed.append(file.read().decode())
        return subprocess.CompletedProcess(["python", *args], code, *printed)

    @contextmanager
    def start(self, *args: Any, cwd=None, env=None) -> Iterator[Python]:
        """Run one beside the test, killed if it has not ended by then."""
        with open(os.devnull) as nothing:
            out, out_ = os.pipe()
            err, err_ = os.pipe()
            with os.fdopen(out_, "w") as stdout, os.fdopen(err_, "w") as stderr:
                pid, status = self._start(args, (nothing, stdout, stderr), cwd, env)
        with os.fdopen(out) as stdout, os.fdopen(err) as stderr:
            process = Python(pid, status, stdout, stderr)
            try:
                yield process
            finally:
                process.kill()
                process.wait()
