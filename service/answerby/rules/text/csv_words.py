"""Words with a meaning in cells of CSV tables, in English and Chinese. All words are folded."""

from __future__ import annotations

NOTHING_ASKED = frozenset({"", "-", "--", "–", "—", "——", "any", "任意", "任何", "不限"})
"""Cells without a condition."""
MISSING = frozenset({"missing", "缺失", "未填", "未知"})
PRESENT = frozenset({"present", "已填", "存在"})
TRUE = frozenset({"true", "yes", "是", "真", "wahr", "vrai", "verdadero", "vero"})
"""Words for true. Excel writes TRUE in the language of the user."""
FALSE = frozenset({"false", "no", "否", "假", "falsch", "faux", "falso"})
ERRORS = frozenset({"#n/a", "#ref!", "#name?", "#value!", "#div/0!", "#null!", "#num!", "#spill!", "#calc!"})
"""Texts that Excel shows for a failed formula."""
KEYWORDS = MISSING | PRESENT | (NOTHING_ASKED - {""})
"""Words that may also be values of a field."""
COLUMNS = {
    "because": ("because", "reason", "依据", "理由", "原因"),
    "enabled_from": ("enabled_from", "enabled from", "生效日期", "启用日期"),
    "until": ("until", "截止日期", "失效日期"),
    "comment": ("comment", "comments", "note", "notes", "备注", "说明"),
}
"""Columns besides inputs and outputs, each with its accepted titles."""
