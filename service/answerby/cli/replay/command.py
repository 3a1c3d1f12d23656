"""`answerby replay`: from its options to a replay."""

from __future__ import annotations

from pathlib import Path

import orjson
from rich.console import Console

from answerby.cli.client import Target
from answerby.cli.replay.mapping import load_mapping
from answerby.cli.replay.output import STANDARD_OUTPUT, differences_path, refused_path
from answerby.cli.replay.run import Job, Local, Remote, replay
from answerby.cli.rules_folder import shipped_rules


def job(file: Path, mapping: Path, out: Path, tenant: str, limit: int) -> Job:
    """Raises CommandFailed for a mapping with mistakes, OSError when it cannot be read."""
    return Job(file=file, mapping=load_mapping(mapping), out=out, tenant=tenant, limit=limit)


def local(rules: Path | None, engine: str) -> Local:
    return Local(rules or shipped_rules(), engine)


def remote(target: Target, in_flight: int, batch: int, *, brief: bool) -> Remote:
    return Remote(target, in_flight=in_flight, batch=batch, brief=brief)


def run(job: Job, way: Local | Remote, summary_file: Path | None) -> None:
    """Replays, prints the summary on standard error, and writes it where asked."""
    console = Console(stderr=True)
    summary = replay(job, way, console)
    if summary_file is not None:
        options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        summary_file.write_bytes(orjson.dumps(summary.as_data(), option=options))
    if summary.output.refused and job.out != STANDARD_OUTPUT:
        console.print(f"all refused rows: {refused_path(job.out)}", highlight=False, soft_wrap=True)
    if any(c.different for c in summary.tally.comparisons.values()) and job.out != STANDARD_OUTPUT:
        console.print(f"all differences: {differences_path(job.out)}", highlight=False, soft_wrap=True)
