"""Bytes of decisions, for comparing two ways of deciding the same."""

from __future__ import annotations

import msgspec

from answerby.store.codec import encode_typed

decision_bytes = msgspec.json.Encoder(enc_hook=encode_typed, order="deterministic").encode
"""As the store has them, but for the order of names, which no decision depends on."""
