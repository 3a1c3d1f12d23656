"""The reasons of attempts that failed, few enough to be a label of a metric."""

from __future__ import annotations

import re

_STATUS = re.compile(r"\bHTTP ([1-5]\d\d)\b")
_WORDS = {
    "tls": ("tls", "certificate", "ssl"),
    "timeout": ("timeout", "no outcome within"),
    "no_connection": ("connect", "resolve"),
    "answer_lost": ("readerror", "remoteprotocolerror", "writeerror"),
    "lease": ("lease", "another worker"),
    "stopped": ("stopped",),
}


def reason_of(detail: str) -> str:
    """One of some dozens of words: `http_429`, `tls`, `timeout`, `no_connection`, and `other` for all else."""
    if found := _STATUS.search(detail):
        return f"http_{found[1]}"
    text = detail.lower()
    for reason, words in _WORDS.items():
        if any(word in text for word in words):
            return reason
    return "other"
