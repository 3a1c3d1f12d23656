"""Commands of `answerby` in the test's own process."""

from __future__ import annotations

from typer.testing import CliRunner, Result

from answerby.cli.main import app


def invoke(*arguments: object) -> Result:
    """Runs a command; the result has exit_code, stdout and stderr. Raises what the command did not expect."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
