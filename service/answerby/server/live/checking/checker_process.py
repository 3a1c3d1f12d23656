"""The process that checks rule files. Standard input has the tasks and standard output the findings."""

from __future__ import annotations

import contextlib
import os
import signal
import sys

PRIORITY = 5
"""Niceness above that of the server: checks may wait, requests may not."""
with contextlib.suppress(OSError):
    os.nice(PRIORITY)

# The imports take a third of a second of a processor, so they come after `nice`.
from answerby.server.live.checking.object_pipe import pass_read_only_mappings, receive, send  # noqa: E402
from answerby.server.live.checking.program import program_on_disk  # noqa: E402
from answerby.server.live.checking.rule_check import Checked, Task, check, finding  # noqa: E402


def main() -> None:
    """Answers tasks until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pass_read_only_mappings()
    # Printed text must not get between the messages.
    with os.fdopen(os.dup(1), "wb") as replies:
        os.dup2(2, 1)
        with contextlib.suppress(EOFError, BrokenPipeError):
            send(replies, program_on_disk())
            while True:
                send(replies, answer(receive(sys.stdin.buffer)))


def answer(task: Task) -> Checked:
    try:
        return check(task)
    except Exception as error:  # noqa: BLE001 - the parent must get every error
        return Checked(
            (finding("CHECK_FAILED", f"the rules could not be checked: {type(error).__name__}: {error}"),), None
        )


if __name__ == "__main__":
    main()
