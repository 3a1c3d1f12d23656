"""Commands and servers as processes of their own: started, read, stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.kit.patience import PATIENCE, wait_until

ANSWERBY = [sys.executable, "-m", "answerby.cli.main"]


def run(command: list[Any], **options: Any) -> subprocess.CompletedProcess[Any]:
    """Runs a command to its end; the result has its status, and its output as text unless `options` say otherwise."""
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
    return subprocess.run([str(part) for part in command], check=False, timeout=PATIENCE, **settings)


def answerby(*arguments: object, **options: Any) -> subprocess.CompletedProcess[Any]:
    """Runs `answerby` with these arguments."""
    return run([*ANSWERBY, *arguments], **options)


@contextmanager
def started(command: list[Any], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """A process that is asked to end, and killed if it does not, when the block is left."""
    with subprocess.Popen([str(part) for part in command], **options) as process:
        try:
            yield process
        finally:
            end(process)


def end(process: subprocess.Popen[Any]) -> None:
    """Asks a process to end, and kills it if it does not."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def stop(process: subprocess.Popen[Any], number: int = signal.SIGTERM) -> int:
    """Sends the signal and returns the exit status. Raises TimeoutExpired."""
    process.send_signal(number)
    return process.wait(PATIENCE)


def freeze(*pids: int) -> None:
    """Stops processes as a paused container is stopped; returns when no thread of theirs runs any more. Needs /proc."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: all(_states(pid) <= {"T", "Z"} for pid in pids), "all threads stand still")


def wake(*pids: int) -> None:
    """Lets processes go on that `freeze` has stopped. One that has ended is passed over."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def free_address() -> str:
    """An address of this machine that nobody listens on, such as 127.0.0.1:40001."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"127.0.0.1:{probe.getsockname()[1]}"


def alive(pid: int) -> bool:
    """Whether the process still runs. One that has ended and that nobody has waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    if not Path("/proc/self").exists():
        return True
    return bool(_states(pid) - {"Z"})


def _states(pid: int) -> set[str]:
    """The states of the threads of a process, such as R, S, T and Z; none when it has ended."""
    states = set()
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # the thread ended between the two looks
            states.add(stat.read_text("utf-8").rpartition(")")[2].split()[0])
    return states


def workers_of(supervisor: int) -> list[int]:
    """The worker processes of a running `answerby serve`, by its process id. Needs /proc."""
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text(encoding="ascii").split()
    return [int(child) for child in children if _is_worker(int(child))]


def _is_worker(pid: int) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return alive(pid) and b"answerby.server.worker" in command
