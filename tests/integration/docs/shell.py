"""The examples of a page, as a reader follows them: files to write and commands to type into one shell."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.kit.patience import PATIENCE, wait_until

FENCE = re.compile(r"^```(\w+) ?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (.*(?:\\\n.*)*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
END = "===end of the command==="
CHANGING = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?( ?\+\d\d:?\d\d|Z|)"), r"<time>\3"),
    (re.compile(r"\br-[0-9a-f]{16}\b"), "<revision>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<id>"),
    (re.compile(r"\b\d{6}-([A-Z]{2,4}-\d{3})\b"), r"<month>-\1"),
    (re.compile(r"engine (durable|reference)"), "engine <matcher>"),
)
"""What differs from run to run: times (their zone does not), revisions (they cover the time-zone data), ids, the month in a number, the matcher."""


class Step(NamedTuple):
    """A file to write, or a command with its output. `wait`: the output comes a moment later."""

    file: str
    text: str
    command: str
    output: str
    wait: bool


def steps(page: str) -> Iterator[Step]:
    for language, name, text in FENCE.findall(page):
        if language == "console":
            for command, output in COMMAND.findall(text):
                yield Step("", "", command, output, wait=name == "wait")
        elif name:
            yield Step(name, text, "", "", wait=False)


def alike(text: str) -> str:
    """The text without what differs from run to run and without spaces at the ends of lines."""
    for pattern, word in CHANGING:
        text = pattern.sub(word, text)
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


class Shell:
    """One bash in one folder."""

    def __init__(self, folder: Path, process: subprocess.Popen[str]) -> None:
        self._folder = folder
        self._process = process

    def follow(self, step: Step) -> str:
        """Does the step; the output of its command. With `wait` the command is typed again until the output is there."""
        if step.file:
            path = self._folder / step.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.text, encoding="utf-8")
            return ""
        if step.wait:
            wait_until(lambda: alike(self.type(step.command)) == alike(step.output), step.command)
            return step.output
        return self.type(step.command)

    def type(self, command: str) -> str:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{command}\necho '{END}'\n")
        stdin.flush()
        lines = iter(stdout.readline, "")
        output = ""
        for line in lines:
            if line.rstrip("\n").endswith(END):
                return output + line.rstrip("\n").removesuffix(END)
            output += line
        raise AssertionError(f"the shell ended at {command!r}: {output}")


@contextmanager
def shell(folder: Path, environment: Mapping[str, str]) -> Iterator[Shell]:
    """A shell whose whole process group ends with it."""
    with subprocess.Popen(
        ["bash", "--noprofile", "--norc"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env={**os.environ, **environment},
        start_new_session=True,
    ) as process:
        try:
            yield Shell(folder, process)
            process.communicate("wait\n", timeout=PATIENCE)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
