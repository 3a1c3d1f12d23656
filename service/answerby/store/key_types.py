"""The type that each key has, by its name, so that a key of another type can be named."""

from __future__ import annotations

from answerby.store import keys

_BY_NAME = {
    keys.SCHEMA: "string",
    keys.TENANTS: "set",
    keys.UNREADABLE: "hash",
    keys.STORE: "hash",
    keys.RULEBOOK_ACTIVE: "string",
    keys.RULEBOOK_STAGED: "string",
    keys.RULEBOOK_PROBLEM: "string",
    keys.RULEBOOK_REVISIONS: "hash",
    keys.RULEBOOK_FILES: "hash",
    keys.RULEBOOK_AUTHORS: "hash",
    keys.RULEBOOK_VERDICTS: "hash",
    keys.RULEBOOK_ORDER: "zset",
    keys.RULEBOOK_SEEN: "hash",
    keys.RULEBOOK_SEEN_AGE: "zset",
    keys.RULEBOOK_HISTORY: "list",
    keys.RULEBOOK_CANDIDATE: "string",
    keys.RULEBOOK_CANDIDATE_COUNTS: "hash",
    keys.RULEBOOK_CANDIDATE_DIFFERENCES: "list",
    keys.RULEBOOK_WORKERS: "hash",
}
_OF_TENANT = {
    "requests": "zset",
    "facets": "hash",
    "log": "stream",
    "log:seq": "string",
    "timers": "zset",
    "timers:data": "hash",
    "timers:claims": "hash",
    "schedules": "hash",
    "schedules:claims": "hash",
    "counter": "string",
    "in": "stream",
    "in:dead": "stream",
    "out:entries": "hash",
    "out:meta": "hash",
    "out:dead": "stream",
    "out:connectors": "set",
    "unreadable": "hash",
}
"""By the name after the root of the tenant."""
_WITH_A_FREE_PART = {
    "request:": "hash",
    "events:": "list",
    "decisions:": "list",
    "schedules:dec:": "list",
    "idem:": "string",
    "win:": "zset",
    "serial:": "string",
    "poll:": "hash",
    "newest:": "hash",
    "deliveries:": "list",
    "out:life:": "hash",
    "out:due:": "zset",
    "out:queue:": "zset",
    "out:ages:": "zset",
    "out:leases:": "hash",
}
"""By the beginning of the name. A free part, such as a request id, follows."""


def type_of(key: str) -> str:
    """The type of a key, as TYPE tells it. Empty for a key that answerby does not know."""
    if key in _BY_NAME:
        return _BY_NAME[key]
    if not key.startswith("ab:{"):
        return ""
    name = key.partition("}:")[2]
    if name in _OF_TENANT:
        return _OF_TENANT[name]
    return next((kind for start, kind in _WITH_A_FREE_PART.items() if name.startswith(start)), "")
