"""The end of a command that failed: one line on standard error, and an exit status."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn, ParamSpec, TypeVar, cast

import typer

from answerby.domain.errors import AnswerbyError

if TYPE_CHECKING:
    import grpc

P = ParamSpec("P")
R = TypeVar("R")


class CommandFailed(AnswerbyError):
    """The command cannot do what was asked. The message says why."""


def fail(message: str, status: int = 1) -> NoReturn:
    """Prints the message and ends the command with the status."""
    print(f"answerby: {message}", file=sys.stderr)
    raise typer.Exit(status)


def command(function: Callable[P, R]) -> Callable[P, R]:
    """Makes errors that a user can act on one line and status 1. Other errors keep their traceback."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except AnswerbyError as error:
            fail(error.message)
        except BrokenPipeError:
            # The reader, such as head, has closed the pipe. The rest of the buffer must not fail at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from None
        except OSError as error:
            fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        except Exception as error:
            if (described := describe_rpc(error)) is None:
                raise
            fail(described)

    return wrapped


def describe_rpc(error: Exception) -> str | None:
    """One line for an error of a gRPC call; None for any other error."""
    grpc_module = sys.modules.get("grpc")  # Only a command that loaded grpc can meet an RPC error.
    if grpc_module is None or not isinstance(error, grpc_module.RpcError):
        return None
    call = cast("grpc.Call", error)
    code, detail = call.code(), call.details()
    if code == grpc_module.StatusCode.UNAVAILABLE:
        return f"no server answers there, or it is stopping ({detail}); start one with `answerby serve`"
    return f"{code.name}: {detail}"
