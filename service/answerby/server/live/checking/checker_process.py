"""The process in which rule files are checked: tasks in on standard input, findings out on standard output."""

from __future__ import annotations

import contextlib
import os
import signal
import sys

PRIORITY = 5
"""Nicer than the process that serves: checking may wait, requests may not."""
with contextlib.suppress(OSError):
    os.nice(PRIORITY)

# Importing takes a third of a second of a processor, so it is done nicely, too.
from answerby.server.live.checking.object_pipe import pass_read_only_mappings, receive, send  # noqa: E402
from answerby.server.live.checking.program import program_on_disk  # noqa: E402
from answerby.server.live.checking.rule_check import Checked, Task, check, finding  # noqa: E402


def main() -> None:
    """Works until its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pass_read_only_mappings()
    # What anything prints must not get between the messages.
    with os.fdopen(os.dup(1), "wb") as replies:
        os.dup2(2, 1)
        with contextlib.suppress(EOFError, BrokenPipeError):
            send(replies, program_on_disk())
            while True:
                send(replies, answer(receive(sys.stdin.buffer)))


def answer(task: Task) -> Checked:
    try:
        return check(task)
    except Exception as error:  # noqa: BLE001 - the parent must hear of it, whatever it is
        return Checked(
            (finding("CHECK_FAILED", f"the rules could not be checked: {type(error).__name__}: {error}"),), None
        )


if __name__ == "__main__":
    main()
