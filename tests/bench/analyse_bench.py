"""The proofs on 500 generated rules, and on rules made to be hard; all findings, each witness decided. CPU time."""

import random
import tempfile
import time
from pathlib import Path

from answerby.engine.compiler import compile_rulebook
from answerby.workbench.proofs import analyse
from answerby.workbench.proofs.witnessed_findings import prove
from tests.bench.decide_bench import SHIPPED, load
from tests.bench.generated_rules import CALENDAR, CLOCKS, HEAD, LADDERS, SLA, VALUES, write_rules

RUNS = 3
FIELDS = """
fields:
  a: {type: enum, values: [red, orange, yellow, green, blue, violet], default: red}
  b: {type: enum, values: [red, orange, yellow, green, blue, violet]}
  c: {type: integer, default: 0}
  d: {type: integer}
  e: {type: boolean, default: false}
  f: {type: enum, values: [red, orange, yellow, green, blue, violet]}
  g: {type: set, values: [red, orange, yellow, green]}
  h: {type: decimal}
  category: {type: enum, values: [unclassified, one, two, three], derived_by: classification}
  priority: {type: enum, values: [P2, P1, P0], derived_by: priority}
  department: {type: enum, values: [desk, lab], derived_by: routing}
  role: {type: enum, values: [clerk, chief], derived_by: routing}
"""


def main() -> None:
    print(f"{'rules':>28} {'analyse ms':>11} {'prove ms':>9} {'findings':>9} {'open':>6}")
    run("shipped", SHIPPED)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        run("500 of the decide bench", write_rules(root / "decide", 500))
        run("500 x 8 fields, mixed", write_wide(root / "mixed", 500, mixed=True))
        for policy in ("first", "unique", "collect", "most_severe"):
            run(f"500 x 8 fields, one {policy}", write_wide(root / policy, 500, policy=policy))
        run("500 wide rules, one first", write_wide(root / "wide", 500, policy="first", asked=(2, 3)))
        run("500 rows that cover all", write_cover(root / "cover"))


def run(label: str, folder: Path) -> None:
    rulebook = load(folder)
    compiled = compile_rulebook(rulebook, "reference")
    pure = min(timed(lambda: analyse(rulebook)) for _ in range(RUNS))
    proven = min(timed(lambda: prove(compiled)) for _ in range(RUNS))
    found = prove(compiled)
    figures = f"{pure * 1000:11.0f} {proven * 1000:9.0f} {len(found.findings):9} {len(found.not_analysable):6}"
    print(f"{label:>28} {figures}", flush=True)


def timed(work) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def write_wide(folder: Path, rules: int, policy: str = "first", asked=(5, 8), *, mixed: bool = False) -> Path:
    """Rules over 8 fields with sets, intervals, booleans and missing values, which overlap."""
    chance = random.Random(7)
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "rulebook": HEAD,
        "vocabulary": FIELDS,
        "clocks": CLOCKS,
        "ladders": LADDERS,
        "calendar": CALENDAR,
        "sla": SLA,
    }
    parts = (("priority", policy, rules),)
    if mixed:
        parts = (
            ("priority", "first", 200),
            ("classification", "collect", 100),
            ("routing", "first", 120),
            ("routing", "unique", 80),
        )
    for number, (stage, hit, count) in enumerate(parts):
        lines = [f"stage: {stage}", f"hit: {hit}", "rules:"]
        for n in range(count):
            when = ", ".join(condition(chance, field) for field in chance.sample("abcdefgh", chance.randint(*asked)))
            lines.append(
                f"  - {{id: r{number}-{n:03}, because: bench, rank: {n}, when: {{{when}}}, then: {{{then(chance, stage)}}}}}"
            )
        files[f"part{number}"] = "\n".join(lines) + "\n"
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def write_cover(folder: Path) -> Path:
    """A unique table of which 6 x 6 x 14 rows cover every combination once: nothing may be found, all must be proven."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        f"    - [{a}, {b}, {interval(n)}, P{n % 3}]"
        for a in VALUES
        for b in (*VALUES[:5], "{not: [red, orange, yellow, green, blue]}")
        for n in range(14)
    ]
    head = "stage: priority\ntable:\n  id: matrix\n  because: bench\n  hit: unique\n  inputs: [a, b, c]\n  output: priority\n  rows:\n"
    files = {
        "rulebook": HEAD.replace("default: {priority: P2}, ", ""),
        "vocabulary": FIELDS,
        "clocks": CLOCKS,
        "ladders": LADDERS,
        "calendar": CALENDAR,
        "sla": SLA,
    }
    files["matrix"] = head + "\n".join(rows) + "\n"
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def interval(n: int) -> str:
    if n == 0:
        return "{less_than: 10}"
    return f"{{at_least: {n * 10}, less_than: {n * 10 + 10}}}" if n < 13 else "{at_least: 130}"


def condition(chance: random.Random, field: str) -> str:
    if field in "abf":
        return f"{field}: [{', '.join(chance.sample(VALUES, chance.randrange(2, 5)))}]"
    if field == "g":
        return f"g: {{has: [{', '.join(chance.sample(VALUES[:4], 2))}]}}"
    if field == "e":
        return f"e: {chance.choice(['true', 'false'])}"
    low = chance.randrange(500)
    return f"{field}: {{between: [{low}, {low + chance.randrange(100, 500)}]}}"


def then(chance: random.Random, stage: str) -> str:
    if stage == "routing":
        return f"department: {chance.choice(['desk', 'lab'])}, role: {chance.choice(['clerk', 'chief'])}"
    if stage == "classification":
        return f"category: {chance.choice(['one', 'two', 'three'])}"
    return f"priority: {chance.choice(['P0', 'P1', 'P2'])}"
