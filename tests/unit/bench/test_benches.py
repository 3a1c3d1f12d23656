"""The benches start: what they take from the service is there. `make bench` alone measures."""

from __future__ import annotations

from importlib import import_module

import pytest

from tests.bench.__main__ import BENCHES


@pytest.mark.parametrize("name", BENCHES)
def test_every_bench_is_there(name):
    assert BENCHES[name] is import_module(f"tests.bench.{name}_bench").main
