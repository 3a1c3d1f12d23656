"""Values as a test file writes them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime

from answerby.engine.facts.coercion import Typed
from answerby.rules.text.yaml_scalars import resolve, trap

_PLAIN = re.compile(r"\w[\w./@#+-]*\Z")


def yaml_text(value: Typed | Sequence[str]) -> str:
    """A value in one line of YAML, quoted where it would be read as something else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return json.dumps(value)
    if isinstance(value, datetime):
        return json.dumps(value.isoformat())
    if isinstance(value, str):
        plain = _PLAIN.match(value) and resolve(value) == value and not trap(value)
        return value if plain else json.dumps(value, ensure_ascii=False)
    return "[" + ", ".join(yaml_text(item) for item in sorted(value)) + "]"
