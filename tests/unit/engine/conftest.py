"""The generator of rulebooks and records, and the shipped rules, for every test of the engine."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.compiler import compile_rulebook
from answerby.rules.loader import load_rulebook
from tests.kit.places import RULES

SHIPPED = RULES


@pytest.fixture(scope="session")
def cases() -> ModuleType:
    """The module engine_cases, which is also a script, so that crash-prone runs have a process of their own."""
    name = "answerby_engine_cases"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("engine_cases.py"))
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="module")
def shipped() -> CompiledRulebook:
    rulebook = load_rulebook(SHIPPED).rulebook
    assert rulebook is not None
    return compile_rulebook(rulebook, "reference")
