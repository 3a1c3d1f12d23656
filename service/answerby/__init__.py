"""answerby: the rules-engine microservice that decides how and by when a customer request is answered."""

from __future__ import annotations

from answerby import native

__version__ = "0.1.0"

native.use()
