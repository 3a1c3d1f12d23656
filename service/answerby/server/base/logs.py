"""Logs: one JSON object per line on standard error, without any text of a customer.

Only the fields in SAFE_FIELDS pass. Other fields are removed, and `dropped` lists their names. A careless line can
therefore never reveal a name, a contact or a text.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import FilteringBoundLogger

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}

SAFE_FIELDS = frozenset(
    {
        *("event", "level", "timestamp", "logger", "worker", "pid", "error", "reason", "where", "dropped"),
        *("tenant", "request_id", "event_id", "event_type", "source", "sequence", "revision", "call_id"),
        *("method", "code", "milliseconds", "count", "state", "file", "line", "column", "diagnostic", "address"),
        *(
            "connector",
            "effect_id",
            "outcome",
            "attempt",
            "timer_id",
            "delay_seconds",
            "stream_id",
            "signal",
            "exit_code",
        ),
        *("kind", "key", "field"),
        *("action", "actor", "before", "generation", "start", "end"),
        *("problem", "remedy", "known", "found", "loaded_bytes", "total_bytes"),
        *("engine", "compiled", "rules", "stage", "rule", "warning", "seconds", "workers", "version", "status"),
    }
)

Logger = FilteringBoundLogger


def make_logger(level: str, stream: TextIO | None = None) -> Logger:
    """A logger with its own settings. Global logging stays unchanged."""
    logger: Logger = structlog.wrap_logger(
        structlog.WriteLogger(stream or sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _describe_exception,
            _keep_safe,
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        cache_logger_on_first_use=False,
    )
    return logger


def _describe_exception(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Type and place of an exception. The message may quote an input, so the message is left out."""
    info = line.pop("exc_info", None)
    exception = sys.exc_info()[1] if info is True else info
    if isinstance(exception, BaseException):
        frames = traceback.extract_tb(exception.__traceback__)
        line["error"] = type(exception).__qualname__
        line["where"] = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames[-8:]]
    return line


def _keep_safe(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    unsafe = sorted(line.keys() - SAFE_FIELDS)
    for name in unsafe:
        del line[name]
    if unsafe:
        line["dropped"] = unsafe
    return line


def _render(_: Any, __: str, line: MutableMapping[str, Any]) -> str:
    return orjson.dumps(dict(line), default=str, option=orjson.OPT_NON_STR_KEYS).decode()


class _Forward(logging.Handler):
    """Lines of libraries: logger, level and exception type. Their messages may hold inputs and are left out."""

    def __init__(self, logger: Logger) -> None:
        super().__init__(logging.WARNING)
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        exception = record.exc_info[1] if record.exc_info else None
        self._logger.log(
            record.levelno,
            "library",
            logger=record.name,
            where=[f"{record.filename}:{record.lineno} {record.funcName}"],
            **({"exc_info": exception} if exception else {}),
        )


def forward_library_logs(logger: Logger) -> None:
    """Sends the warnings of libraries through `logger`.

    Only a process of our own calls this function, and only once.
    """
    root = logging.getLogger()
    root.handlers = [_Forward(logger)]
    root.setLevel(logging.WARNING)
