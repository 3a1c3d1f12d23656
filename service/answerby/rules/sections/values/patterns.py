"""Regular expressions in rule files."""

from __future__ import annotations

import re2

from answerby.rules.sections.name_scope import NameScope
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.nodes import Node


def is_pattern(scope: NameScope, node: Node, text: str) -> bool:
    """Whether RE2 compiles the text within the limit of memory. Any other text is reported."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_PATTERN_BYTES
    try:
        re2.compile(text, options=options)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        hint = "lookahead, lookbehind and backreferences are left out, as they can take forever"
        scope.report.add(Code.INVALID_REGEX, node, f"not a pattern that answerby runs: {reason}", hint)
        return False
    return True


MAX_PATTERN_BYTES = 8 << 20
"""Most memory of one compiled pattern, in bytes."""
