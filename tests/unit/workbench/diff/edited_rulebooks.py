"""Pairs of rulebooks: one with every kind of section, and the same after an edit of one section or of two."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

import yaml

from answerby.rules.model.rulebook import Rulebook
from tests.kit.rulebooks import load

Files = dict[str, Any]
"""The files of a rulebook by name without .yaml, as data."""
Edit = Callable[[Files, Random], None]

BASE = """
rulebook:
  rulebook:
    stages:
      classification: {hit: most_severe, default: {category: unclassified}, on_error: {category: unclassified}}
      completeness: {hit: collect}
      priority: {hit: first, default: {priority: P2}, on_error: {priority: P2}}
      sla: {hit: first}
      routing: {hit: unique, default: {department: desk}, on_error: {department: desk}}
      escalation: {hit: collect}
    roles: {clerk: Clerk, chief: Chief, guard: Guard}
    departments: {desk: DSK, lab: LAB, field: FLD}
    numbering: {timezone: Asia/Shanghai, default_code: DSK}
vocabulary:
  fields:
    channel: {type: enum, values: [web, phone, other], aliases: {call: phone, net: web}, other: other, default: other}
    tier: {type: enum, values: [low, middle, high]}
    body: {type: text}
    subject: {type: text}
    text: {type: text, parts: [subject, body]}
    customer.id: {type: string}
    recent: {type: integer, window: {count: complaint, by: customer.id, within: 24h}}
    devices: {type: integer, default: 1}
    weight: {type: decimal}
    due.wish: {type: instant}
    wait: {type: duration}
    vip: {type: boolean}
    marks: {type: set, values: [red, blue]}
    category: {type: enum, values: [unclassified, question, complaint, recall], derived_by: classification}
    tags: {type: set, derived_by: [classification, routing]}
    priority: {type: enum, values: [P2, P1, P0], derived_by: priority}
    worth: {type: decimal, derived_by: priority}
    department: {type: enum, values: [desk, lab, field], derived_by: routing}
    complete: {type: boolean, derived_by: completeness}
lexicons:
  lexicons:
    anger: {terms: [furious, complaint, 投诉], except: [calm]}
    asking: {terms: [how do i, 请问]}
    danger: {terms: [fire, smoke]}
    calm: {terms: [no complaint]}
    unused: {terms: [weather]}
calendar:
  calendar: {id: office, timezone: Asia/Shanghai, weekly: {mon-fri: ["09:00-18:00"]}, years: [2026], holidays: {"2026-05-01": Labour}}
hours:
  calendar: {id: evening, timezone: Asia/Shanghai, weekly: {mon-sun: ["18:00-22:00"]}, years: [2026]}
clocks:
  clocks:
    - {id: first_response, because: answer, calendar: office, stop: [request.replied], ladder: usual, pause_while: [on_hold]}
    - {id: check, because: look, calendar: office, stop: [{event: request.progress_reported, when: {vip: true}}]}
ladders:
  ladders:
    - id: usual
      because: somebody must hear
      steps:
        - {at: 50%, notify: {roles: [clerk], template: soon}}
        - {at: 0m, notify: {roles: [chief], template: breach}, raise_priority: true}
templates:
  templates:
    alarm: {en: "{number} safety {priority}"}
    warn: {en: "look at {number}"}
    soon: {en: "{clock} is due {due}"}
    breach: {en: "{clock} was due {due}"}
schedules:
  schedules:
    - {id: daily, because: nobody is forgotten, every: day, at: "09:00", calendar: office, on_holiday: skip, for: role, when: {tier: high}, then: {notify: {role: chief, template: warn}}}
kinds:
  stage: classification
  rules:
    - {id: complaint, because: angry, when: {text: {mentions: anger}}, then: {category: complaint, tags: [angry]}}
    - {id: question, because: asks, when: {text: {mentions: asking}}, then: {category: question}}
    - {id: danger, because: safety, when: {text: {mentions: danger}, devices: {at_least: 2}}, then: {category: recall, tags: [safety]}}
    - {id: late-call, because: at night, when: {all: [{event.time: {inside: evening}}, {channel: phone}]}, then: {category: question, tags: [late]}}
needs:
  stage: completeness
  rules:
    - {id: name-needed, because: to answer, then: {require: [customer.id]}}
    - {id: weight-needed, because: parcels, when: {category: complaint}, then: {require: [weight]}}
matrix:
  stage: priority
  table:
    id: matrix
    because: so
    inputs: [tier, devices]
    output: priority
    hit: unique
    rows:
      - [high, {at_least: 3}, P0]
      - [high, {less_than: 3}, P1]
      - [low, {at_least: 5}, P1]
      - [middle, {between: [2, 4]}, P1]
extra:
  stage: priority
  rank: 50
  hit: most_severe
  rules:
    - {id: safety-first, because: safety, rank: 1, when: {tags: {has: safety}}, then: {priority: P0}}
    - {id: often, because: again, rank: 2, when: {recent: {at_least: 3}}, then: {priority: P1}}
    - {id: heavy, because: heavy, rank: 3, when: {weight: {more_than: 2.5}}, then: {priority: P1}}
    - {id: waits, because: long, rank: 4, when: {wait: {more_than: PT2H}, not: {vip: true}}, then: {priority: P1}}
worth:
  stage: priority
  score:
    id: worth
    because: what is worth most
    method: weighted_sum
    output: worth
    round: 1
    factors:
      devices: {field: devices, weight: 2}
      channel: {field: channel, numbers: {web: 1, phone: 2, other: 0}}
targets:
  stage: sla
  rules:
    - {id: fast, because: minutes, rank: 1, when: {priority: P0}, then: {sla.first_response: 15m}}
    - {id: normal, because: usual, rank: 2, when: {worth: {less_than: 20}}, then: {sla.first_response: 4h}}
    - {id: look, because: check, when: {vip: true}, then: {sla.check: 2h}}
teams:
  stage: routing
  rules:
    - {id: to-lab, because: lab, when: {tags: {has: safety}}, then: {department: lab}}
    - {id: to-field, because: near, when: {priority: P0, channel: phone, not: {tags: {has: safety}}}, then: {department: field, tags: [visit]}}
    - {id: marked, because: marks, when: {marks: {has: red}, priority: P1}, then: {tags: [red]}}
alarms:
  stage: escalation
  rules:
    - {id: alarm, because: hurt, when: {tags: {has: safety}}, then: {notify: {roles: [guard], template: alarm, urgent: true}}}
    - {id: wished, because: soon, when: {due.wish: {less_than: 2026-06-01}}, then: {notify: {roles: [clerk], template: warn}}}
patterns:
  rule_templates:
    - id: by-channel
      because: one rule for each channel
      parameters: {channel: text, role: text}
      rules:
        - {id: "tell-{channel}", when: {channel: "{channel}", tier: middle}, then: {notify: {roles: ["{role}"], template: warn}}}
told:
  stage: escalation
  rules:
    - {use: by-channel, with: {channel: web, role: clerk}}
    - {use: by-channel, with: {channel: phone, role: chief}}
"""
STAGE_FILES = ("kinds", "needs", "extra", "targets", "teams", "alarms")
OUTPUTS = {
    "kinds": [
        {"category": "complaint"},
        {"category": "question"},
        {"category": "recall", "tags": ["safety"]},
        {"tags": ["late"]},
    ],
    "needs": [{"require": ["weight"]}, {"require": ["customer.id", "weight"]}, {"require": ["body"]}],
    "extra": [{"priority": value} for value in ("P2", "P1", "P0")],
    "targets": [{"sla.first_response": value} for value in ("15m", "1h", "4h", "1d")] + [{"sla.check": "3h"}],
    "teams": [{"department": "desk"}, {"department": "lab"}, {"department": "field"}, {"tags": ["visit"]}],
    "alarms": [
        {"notify": {"roles": [role], "template": "warn", "urgent": urgent}}
        for role in ("clerk", "chief")
        for urgent in (False, True)
    ],
}
POLICIES = ["first", "unique", "most_severe", "collect"]
WORDS = [
    "fire",
    "smoke",
    "furious",
    "no complaint",
    "complaint",
    "weather",
    "投诉",
    "请问",
    "how do i",
    "flood",
    "冒烟",
    "furious smoke",
]


@cache
def _base() -> Files:
    return yaml.safe_load(BASE)


def read(files: Files) -> Rulebook | None:
    """The rulebook of the files; None when they have a mistake."""
    texts = {f"{name}.yaml": json.dumps(data, ensure_ascii=False, default=str) for name, data in files.items()}
    return load(texts).rulebook


def base(chance: Random) -> Files:
    """The base, in some runs with other hit policies, so that every policy meets every edit."""
    files = copy.deepcopy(_base())
    if chance.random() < 0.5:
        files[chance.choice(["kinds", "extra", "teams"])]["hit"] = chance.choice(POLICIES)
    if chance.random() < 0.3:
        files["matrix"]["table"]["hit"] = chance.choice(["first", "unique", "most_severe", "collect"])
    if chance.random() < 0.3:
        stages = files["rulebook"]["rulebook"]["stages"]
        stages[chance.choice(["classification", "priority", "routing"])]["hit"] = chance.choice(POLICIES)
    steps = files["ladders"]["ladders"][0]["steps"]
    if chance.random() < 0.5:
        steps[0]["raise_priority"] = True
    if chance.random() < 0.5:
        chance.choice(steps)["reassign"] = {"department": chance.choice(["lab", "field"])}
    return files


# ---- edits


def condition(files: Files, chance: Random) -> dict[str, Any]:
    """A condition on one to three facts."""
    parts = [
        {"channel": chance.choice(["web", "phone", ["web", "other"]])},
        {"tier": chance.choice(["low", "high", {"at_least": "middle"}, {"is": "missing"}])},
        {"devices": {chance.choice(["at_least", "less_than"]): chance.choice([1, 2, 3, 5])}},
        {"weight": {chance.choice(["at_least", "less_than"]): chance.choice([1, 2.5])}},
        {"vip": chance.choice([True, False])},
        {"marks": {"has": chance.choice(["red", "blue"])}},
        {"text": {"mentions": chance.choice(["anger", "danger", "asking"])}},
        {"customer.id": {"is": "missing"}},
        {"recent": {"at_least": chance.choice([1, 3])}},
        {"event.type": "request.updated"},
        {"request.status": chance.choice(["open", "on_hold"])},
    ]
    chosen = chance.sample(parts, chance.choice([1, 1, 2, 3]))
    whole = {key: value for part in chosen for key, value in part.items()}
    return {"not": whole} if chance.random() < 0.15 else whole


def a_rule(files: Files, chance: Random) -> None:
    name = chance.choice(STAGE_FILES)
    rules = files[name]["rules"]
    at = chance.randrange(len(rules))
    rule = rules[at]
    match chance.choice(["drop", "add", "when", "then", "rank", "until", "mode", "duplicate", "hit", "move", "owner"]):
        case "drop":
            rules.pop(at)
        case "add":
            found = {"id": "new-one", "because": "new", "when": condition(files, chance)}
            rules.append({**found, "then": chance.choice(OUTPUTS[name])})
        case "when":
            rule["when"] = condition(files, chance)
        case "then":
            rule["then"] = chance.choice(OUTPUTS[name])
        case "rank":
            rule["rank"] = chance.choice([1, 2, 3, 200])
        case "until":
            rule[chance.choice(["until", "enabled_from"])] = "2026-06-01"
        case "mode":
            rule["mode"] = "shadow"
        case "duplicate":
            rules.append({**rule, "id": f"{rule['id']}-again"})
        case "hit":
            files[name]["hit"] = chance.choice(POLICIES)
        case "move":
            files["more"] = {"stage": files[name]["stage"], "rules": [rules.pop(at)]}
        case "owner":
            rule["owner"] = "somebody"


def a_row(files: Files, chance: Random) -> None:
    table = files["matrix"]["table"]
    rows = table["rows"]
    at = chance.randrange(len(rows))
    match chance.choice(["drop", "add", "cell", "output", "duplicate", "swap", "hit"]):
        case "drop":
            rows.pop(at)
        case "add":
            rows.insert(
                at,
                [
                    chance.choice(["low", "middle", "any"]),
                    {"at_least": chance.choice([1, 4])},
                    chance.choice(["P2", "P1", "P0"]),
                ],
            )
        case "cell":
            rows[at][1] = {chance.choice(["at_least", "less_than"]): chance.choice([1, 2, 3, 4, 6])}
        case "output":
            rows[at][2] = chance.choice(["P2", "P1", "P0"])
        case "duplicate":
            rows.insert(at, copy.deepcopy(rows[at]))
        case "swap":
            rows.append(rows.pop(at))
        case "hit":
            table["hit"] = chance.choice(POLICIES)


def a_lexicon(files: Files, chance: Random) -> None:
    lexicons = files["lexicons"]["lexicons"]
    lexicon = lexicons[chance.choice(sorted(lexicons))]
    terms = lexicon["terms"]
    kind = chance.choice(["add", "remove", "both", "both", "except", "order"])
    if kind in {"remove", "both"} and len(terms) > 1:
        terms.pop(chance.randrange(len(terms)))
    if kind in {"add", "both"}:
        terms.append(chance.choice([word for word in WORDS if word not in terms]))
    if kind == "except":
        lexicon["except"] = chance.choice([["unused"], []])
    if kind == "order":
        terms.reverse()


def a_field(files: Files, chance: Random) -> None:
    fields = files["vocabulary"]["fields"]
    match chance.choice(
        [
            "default",
            "order",
            "value",
            "alias",
            "other",
            "type",
            "window",
            "new",
            "drop",
            "parts",
            "personal",
            "derived",
            "range",
            "always",
        ]
    ):
        case "default":
            name, values = chance.choice(
                [("channel", ["web", "phone"]), ("devices", [2, 3, 5]), ("tier", ["low", "high"]), ("vip", [True])]
            )
            fields[name]["default"] = chance.choice(values)
        case "order":
            fields[chance.choice(["tier", "priority", "category"])]["values"].reverse()
        case "value":
            fields[chance.choice(["tier", "channel", "category"])]["values"].append("another")
        case "alias":
            fields["channel"]["aliases"] = chance.choice([{"call": "web"}, {"call": "phone", "ring": "phone"}, {}])
        case "other":
            fields["channel"]["other"] = "web"
        case "type":
            fields[chance.choice(["devices", "weight"])]["type"] = chance.choice(["integer", "decimal"])
        case "window":
            fields["recent"]["window"][chance.choice(["count", "within"])] = chance.choice(["any", "48h", "question"])
        case "new":
            fields["fresh"] = chance.choice(
                [
                    {"type": "integer"},
                    {"type": "enum", "values": ["a", "b"]},
                    {"type": "set"},
                    {"type": "string", "default": "x"},
                ]
            )
        case "drop":
            fields.pop(chance.choice(["unread", "marks", "wait"]), None)
        case "parts":
            fields["text"]["parts"] = chance.choice([["body"], ["body", "subject"]])
        case "personal":
            fields["body"]["personal"] = True
        case "range":
            fields["devices"][chance.choice(["min", "max"])] = chance.choice([0, 1, 4])
        case "always":
            fields[chance.choice(["weight", "vip", "marks"])]["always"] = True
        case "derived":
            fields["tags"]["derived_by"] = chance.choice(
                [["classification"], ["classification", "routing", "priority"]]
            )


def a_calendar(files: Files, chance: Random) -> None:
    calendar = files[chance.choice(["calendar", "hours"])]["calendar"]
    key, value = chance.choice(
        [
            ("timezone", "Europe/Berlin"),
            ("weekly", {"mon-thu": ["09:00-17:00"]}),
            ("weekly", {"mon-sun": ["08:00-22:00"]}),
            ("holidays", {"2026-03-04": "today"}),
            ("holidays", {"2026-05-01": "Labour Day"}),
            ("annual_holidays", {"03-04": "today"}),
            ("overrides", {"2026-03-04": []}),
            ("extra_workdays", {"2026-03-07": "mon"}),
            ("breaks", {"2026-03-04": ["10:00-11:00"]}),
            ("years", [2026, 2027]),
            ("provisional", [2027]),
        ]
    )
    calendar[key] = value


def a_clock(files: Files, chance: Random) -> None:
    clock = chance.choice(files["clocks"]["clocks"])
    key, value = chance.choice(
        [
            ("calendar", "evening"),
            ("stop", ["request.completed"]),
            ("start", [{"event": "request.accepted"}]),
            ("pause_while", ["blocked"]),
            ("boundary", "next_open"),
            ("granularity", "minute"),
            ("reopen", "new_cycle"),
            ("paused_time", "counted"),
            ("retarget_from", "now"),
            ("on_rule_change", "migrate"),
            ("stop", [{"event": "request.updated", "when": {"text": {"mentions": "danger"}}}]),
            ("label", {"en": "Answer"}),
        ]
    )
    clock[key] = value


def a_ladder(files: Files, chance: Random) -> None:
    ladder = files["ladders"]["ladders"][0]
    step = chance.choice(ladder["steps"])
    match chance.choice(["at", "notify", "raise", "reassign", "repeat", "drop", "offsets", "quiet"]):
        case "at":
            step["at"] = (
                chance.choice(["25%", "75%", "-1h"]) if step is ladder["steps"][0] else chance.choice(["5m", "1h"])
            )
        case "notify":
            step["notify"] = {"roles": ["guard"], "template": "warn", "urgent": True}
        case "raise":
            step["raise_priority"] = not step.get("raise_priority", False)
        case "reassign":
            step["reassign"] = {"department": chance.choice(["lab", "field"])}
        case "repeat":
            step["repeat"] = {"every": "10m", "at_most": 2}
            step["notify"]["until_acknowledged"] = True
        case "drop":
            ladder["steps"].remove(step)
        case "offsets":
            ladder["offsets"] = "working_time"
        case "quiet":
            ladder["quiet_hours"] = {"calendar": "office", "then": "next_opening"}


def a_message(files: Files, chance: Random) -> None:
    templates = files["templates"]["templates"]
    templates[chance.choice(sorted(templates))]["en"] = chance.choice(["{number} now", "look"])


def a_schedule(files: Files, chance: Random) -> None:
    schedule = files["schedules"]["schedules"][0]
    key, value = chance.choice(
        [
            ("at", "10:00"),
            ("when", {"tier": "low"}),
            ("on_holiday", "same_day"),
            ("for", "tenant"),
            ("calendar", "evening"),
        ]
    )
    schedule[key] = value
    if key == "for":
        schedule.pop("when", None)


def a_score(files: Files, chance: Random) -> None:
    score = files["worth"]["score"]
    match chance.choice(["weight", "numbers", "when", "round", "bounds", "missing", "factor", "because"]):
        case "weight":
            score["factors"]["devices"]["weight"] = chance.choice([1, 3, 0.5])
        case "numbers":
            score["factors"]["channel"]["numbers"]["web"] = chance.choice([5, 30])
        case "when":
            score["when"] = condition(files, chance)
        case "round":
            score["round"] = 0
        case "bounds":
            score["bounds"] = [0, 10]
        case "missing":
            score["factors"]["weight"] = {"field": "weight", "missing": 1}
        case "factor":
            score["factors"]["weight"] = {"field": "weight", "bands": [{"below": 2, "number": 1}, {"number": 9}]}
        case "because":
            score["because"] = "another reason"


def a_stage(files: Files, chance: Random) -> None:
    stages = files["rulebook"]["rulebook"]["stages"]
    name = chance.choice(["classification", "priority", "routing"])
    values = {
        "classification": ("category", ["complaint", "question"]),
        "priority": ("priority", ["P1", "P0"]),
        "routing": ("department", ["lab", "field"]),
    }
    output, choices = values[name]
    match chance.choice(["default", "on_error", "hit", "no default"]):
        case "default":
            stages[name]["default"] = {output: chance.choice(choices)}
        case "on_error":
            stages[name]["on_error"] = {output: chance.choice(choices)}
        case "hit":
            stages[name]["hit"] = chance.choice(POLICIES)
        case "no default":
            stages[name].pop("default", None)


def a_setting(files: Files, chance: Random) -> None:
    settings = files["rulebook"]["rulebook"]
    match chance.choice(["role", "code", "timezone", "default_code"]):
        case "role":
            settings["roles"]["clerk"] = "Desk clerk"
        case "code":
            settings["departments"]["lab"] = "LB"
        case "timezone":
            settings["numbering"]["timezone"] = "America/New_York"
        case "default_code":
            settings["numbering"]["default_code"] = "XXX"


def a_rule_template(files: Files, chance: Random) -> None:
    template = files["patterns"]["rule_templates"][0]
    match chance.choice(["condition", "argument", "use", "drop", "output"]):
        case "condition":
            template["rules"][0]["when"]["tier"] = chance.choice(["low", {"at_least": "middle"}])
        case "argument":
            files["told"]["rules"][0]["with"]["role"] = "chief"
        case "use":
            files["told"]["rules"].append({"use": "by-channel", "with": {"channel": "other", "role": "guard"}})
        case "drop":
            files["told"]["rules"].pop()
        case "output":
            template["rules"][0]["then"]["notify"]["urgent"] = True


EDITS: dict[str, Edit] = {
    "rules": a_rule,
    "table rows": a_row,
    "lexicons": a_lexicon,
    "vocabulary": a_field,
    "calendars": a_calendar,
    "clocks": a_clock,
    "ladders": a_ladder,
    "message templates": a_message,
    "schedules": a_schedule,
    "scores": a_score,
    "stage settings": a_stage,
    "roles, departments, numbering": a_setting,
    "rule templates": a_rule_template,
}
SECOND_EDIT = 0.25
"""How often a pair has two edits, of two sections or of one."""


def edited_pair(kind: str, chance: Random) -> tuple[Rulebook, Rulebook] | None:
    """A rulebook, and the same after an edit of this kind; None when the edit makes a mistake or changes nothing."""
    old = base(chance)
    new = copy.deepcopy(old)
    EDITS[kind](new, chance)
    if chance.random() < SECOND_EDIT:
        EDITS[chance.choice([kind, *EDITS])](new, chance)
    if chance.random() < 0.5:
        old, new = new, old
    books = read(old), read(new)
    if books[0] is None or books[1] is None or books[0].revision == books[1].revision:
        return None
    return books[0], books[1]
