"""The phrases of a failed case, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping

FAILURE: Mapping[str, Mapping[str, str]] = {
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
NEAREST_RULE: Mapping[str, Mapping[str, str]] = {
    "en": {
        "nearest": "nearest: {rule} [{place}] gives {value}, but it needs {needs}",
        "outranked": "nearest: {rule} [{place}] gives {value} and matched, but was outranked",
        "never": "no rule of stage {stage} gives {name} {value}",
        "ladder": "only a step of the ladder {ladders} gives {name} {value}, and none is in force",
        "or": " or ",
        "and": " and ",
        "not": "not ({what})",
        "is": "{what} (is {value})",
        "missing": "missing",
    },
    "zh": {
        "nearest": "最接近的规则：{rule} [{place}] 给出 {value}，但还需 {needs}",
        "outranked": "最接近的规则：{rule} [{place}] 给出 {value} 且已命中，但被更优先的规则覆盖",
        "never": "阶段 {stage} 没有规则给出 {name} {value}",
        "ladder": "只有升级阶梯 {ladders} 的步骤给出 {name} {value}，而目前没有生效",
        "or": " 或 ",
        "and": " 且 ",
        "not": "非（{what}）",
        "is": "{what}（现为 {value}）",
        "missing": "空",
    },
}
