"""Where things lie in the source tree."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "rules"
DOCS = ROOT / "service" / "docs"
HOWTO = DOCS / "howto"
REFERENCE = DOCS / "reference"
ERRORS = DOCS / "errors"
PACKAGE = ROOT / "service" / "answerby"
