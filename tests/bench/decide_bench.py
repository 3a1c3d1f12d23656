"""decide() on the shipped rules and on 50 / 500 / 1,000 generated ones, with both matchers; loading and compiling.

Machines differ, and one machine from minute to minute. `yards` is p50 in units of a yardstick measured between the
decisions: `json.loads` of an object of 320 bytes, 3.65 us on the machine that the bar of 150 us was set for: 41 yards.
"""

import json
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from answerby.domain.event import ActorRole, Event
from answerby.engine.case import Context
from answerby.engine.compiler import compile_rulebook
from answerby.engine.decide import decide
from answerby.engine.memory.steps import RememberingSteps
from answerby.rules.loader import load_rulebook
from answerby.rules.model.rulebook import Rulebook
from tests.bench.generated_rules import make_events, write_rules
from tests.bench.measure import percentiles, timed
from tests.kit.places import RULES

NOW = datetime(2026, 3, 4, 2, tzinfo=UTC)
YARDSTICK = json.dumps({f"key{n}": f"value{n}" for n in range(17)})
SHIPPED = RULES


def main() -> None:
    events = make_events(4000)
    columns = f"{'load ms':>9} {'compile ms':>10} {'p50 us':>8} {'p99 us':>8} {'yards':>6}"
    print(f"{'rules':>10} {'matcher':>10} {columns}  vs shipped yards")
    base = run("shipped", SHIPPED, samples() * 60, None)
    with tempfile.TemporaryDirectory() as folder:
        for count in (50, 500, 1000):
            run(str(count), write_rules(Path(folder) / str(count), count), events, base)


def run(label: str, folder: Path, events: list[Event], base: float | None) -> float:
    begin = time.perf_counter()
    rulebook = load(folder)
    load_ms = (time.perf_counter() - begin) * 1000
    result = 0.0
    for engine in ("durable", "reference"):
        begin = time.perf_counter()
        compiled = compile_rulebook(rulebook, engine)
        compile_ms = (time.perf_counter() - begin) * 1000
        steps = RememberingSteps(compiled)
        for event in events[:200]:
            one(steps, event)
        seconds, yards = measure(steps, events)
        p50, p99 = percentiles(seconds)
        ratio = "" if base is None else f"{yards / base:.2f}"
        figures = f"{load_ms:9.0f} {compile_ms:10.0f} {p50:8.0f} {p99:8.0f} {yards:6.1f}"
        print(f"{label:>10} {engine:>10} {figures}  {ratio}", flush=True)
        result = result or yards
    return result


def measure(steps: RememberingSteps, events: list[Event]) -> tuple[list[float], float]:
    """Seconds of each decision, and their median in yards."""
    seconds: list[float] = []
    yardstick: list[float] = []
    for event in events:
        seconds += timed([event], lambda event: one(steps, event))
        yardstick += timed([YARDSTICK] * 10, json.loads)
    return seconds, statistics.median(seconds) / statistics.median(yardstick)


def one(steps: RememberingSteps, event: Event) -> None:
    """One decision as a server makes it: what stages answered before is remembered."""
    decide(steps.compiled, None, event, Context(), event.time, steps)


def load(folder: Path) -> Rulebook:
    result = load_rulebook(folder)
    assert result.rulebook is not None, [str(d) for d in result.diagnostics]
    return result.rulebook


def samples() -> list[Event]:
    """The sample requests that ship with the rules."""
    lines = (SHIPPED / "samples" / "requests.jsonl").read_text(encoding="utf-8").splitlines()
    return [
        Event(
            source=item["source"],
            id=item["id"],
            type=item["type"],
            time=datetime.fromisoformat(item["time"]),
            request_id=item["request_id"],
            actor=ActorRole(item.get("actor", "customer")),
            data=item["facts"],
        )
        for item in map(json.loads, lines)
    ]
