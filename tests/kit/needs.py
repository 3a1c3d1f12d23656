"""What some tests need, and why they are skipped without it."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from tests.kit.examples import PROFILE

NO_DURABLE = "durable-rules cannot be imported on this Python; the service decides by the reference there"
has_durable = find_spec("durable_rules_engine") is not None
needs_durable = pytest.mark.skipif(not has_durable, reason=NO_DURABLE)

STORES = ["valkey"] if PROFILE == "fast" else ["valkey", "redis"]
on_every_store = pytest.mark.parametrize("binary", STORES, indirect=True, scope="session")
"""Runs a test on the shipped Valkey, and on redis-server too where the machine has one. The fast profile leaves that out."""
