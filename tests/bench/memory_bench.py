"""Memory: 500,000 decisions with 5,000 customers, and 1,000 reloads; resident memory before and after."""

import gc
import tempfile
from pathlib import Path

from answerby.engine.compiler import compile_rulebook
from answerby.engine.memory.steps import RememberingSteps
from tests.bench.decide_bench import load, one
from tests.bench.generated_rules import make_events, write_rules
from tests.bench.measure import resident_megabytes

DECISIONS = 500_000
RELOADS = 1_000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        rules = write_rules(Path(folder), 100)
        decisions(rules)
        reloads(rules)


def decisions(rules: Path) -> None:
    steps = RememberingSteps(compile_rulebook(load(rules)))
    events = make_events(20_000)
    for event in events[:5000]:
        one(steps, event)
    before = settled()
    for number in range(DECISIONS):
        one(steps, events[number % len(events)])
    print(f"{DECISIONS} decisions, 5,000 customers: {before:.1f} -> {settled():.1f} MB", flush=True)


def reloads(rules: Path) -> None:
    def reload() -> None:
        compiled = compile_rulebook(load(rules))
        one(RememberingSteps(compiled), event)
        compiled.matcher.close()

    event = make_events(1)[0]
    for _ in range(30):
        reload()
    before = settled()
    for _ in range(RELOADS):
        reload()
    print(f"{RELOADS} reloads of 100 rules: {before:.1f} -> {settled():.1f} MB", flush=True)


def settled() -> float:
    gc.collect()
    return resident_megabytes()
