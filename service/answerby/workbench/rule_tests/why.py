"""Why a case failed: each difference in words, what the stages concerned decided, and the rule that came nearest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from answerby.engine.explanation.decision_text import WORDS, clock_line, stage_lines
from answerby.rules.model.rulebook import STAGES
from answerby.workbench.rule_tests.checks import Difference, effect_line
from answerby.workbench.rule_tests.nearest import nearest
from answerby.workbench.rule_tests.scene import Scene

PHRASES = {
    "en": {
        "sentence": "{name}: expected {expected}, got {actual}",
        "when": "{when}: ",
        "effects": "effects since the last event",
        "none": "none",
    },
    "zh": {
        "sentence": "{name}：期望 {expected}，实际 {actual}",
        "when": "{when}：",
        "effects": "最近一次事件以来的动作",
        "none": "无",
    },
}
SHOWN = 40
"""Effects listed at most."""


def sentence(difference: Difference, language: str = "en") -> str:
    """Such as `after 16m: priority: expected P0, got P2`."""
    phrases = PHRASES.get(language, PHRASES["en"])
    when = phrases["when"].format(when=difference.when) if difference.when else ""
    return when + phrases["sentence"].format(
        name=difference.name, expected=difference.expected, actual=difference.actual
    )


def why(found: Sequence[tuple[Difference, Scene | None]], language: str = "en") -> str:
    """The explanation of every stage that a difference is about, each once."""
    lines: dict[str, None] = {}
    for difference, scene in found:
        if scene is not None:
            lines.update(dict.fromkeys(_lines(difference, scene, language)))
    return "\n".join(lines)


def _lines(difference: Difference, scene: Scene, language: str) -> Iterator[str]:
    subject, _, name = difference.name.rpartition(": ")
    scene = scene.others.get(subject, scene)
    words = WORDS.get(language, WORDS["en"])
    stages = [difference.stage] if difference.stage in STAGES else list(STAGES[1:3])
    for stage in scene.decision.explanation:
        if stage.stage in stages:
            yield from stage_lines(stage, words)
    if difference.stage == "sla":
        yield from (f"  {clock_line(clock, words)}" for clock in scene.decision.clocks if _concerns(name, clock.name))
    if difference.stage in ("escalation", "sla") and not name.startswith(("due.", "clock.")):
        yield from _effects(scene, language)
    yield from nearest(scene, difference, language)


def _concerns(name: str, clock: str) -> bool:
    return name in (f"due.{clock}", f"clock.{clock}") or "." not in name


def _effects(scene: Scene, language: str) -> Iterator[str]:
    phrases = PHRASES.get(language, PHRASES["en"])
    shown = [effect_line(effect) for effect in scene.effects[:SHOWN]]
    yield f"{phrases['effects']}: {'; '.join(shown) or phrases['none']}"
