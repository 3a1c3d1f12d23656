"""The line of `answerby --version`."""

from __future__ import annotations

from answerby import __version__, native
from answerby.engine.matching.factory import why_not_durable
from answerby.revision import revision


def version_line() -> str:
    """Version, source revision, compilation and matcher: `answerby 0.1.0 (revision 5ae7e48f3c1a; compiled.

    Matcher durable)`.
    """
    interpreted, reference = native.why_not(), why_not_durable()
    parts = (
        f"revision {revision() or 'unknown'}",
        f"interpreted, {interpreted}" if interpreted else "compiled",
        f"matcher reference, {reference}" if reference else "matcher durable",
    )
    return f"answerby {__version__} ({'; '.join(parts)})"
