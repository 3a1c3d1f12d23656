"""A small rule folder for tests of decide(): every stage, two clocks, one ladder that repeats."""

from datetime import UTC, datetime

from answerby.domain.event import ActorRole, Event
from answerby.engine.case import Context
from answerby.engine.compiler import compile_rulebook
from answerby.engine.decide import decide
from answerby.rules.loader import load_rulebook

FILES = {
    "rulebook.yaml": """
rulebook:
  stages:
    completeness: {hit: collect}
    classification: {hit: most_severe, default: {category: unclassified}, on_error: {category: unclassified}}
    priority: {hit: most_severe, default: {priority: P2}, on_error: {priority: P0}}
    sla: {hit: first}
    routing: {hit: first, default: {department: desk, role: clerk}}
    escalation: {hit: collect}
  roles: {clerk: Clerk, chief: Chief, guard: Guard}
  departments: {desk: DSK, lab: LAB}
  numbering: {timezone: Asia/Shanghai, default_code: DSK}
""",
    "vocabulary.yaml": """
fields:
  channel: {type: enum, values: [web, phone, other], other: other, default: other}
  text.subject: {type: text, personal: true}
  text.body: {type: text, personal: true}
  text: {type: text, parts: [text.subject, text.body], personal: true}
  contact.name: {type: string, personal: true}
  order.number: {type: string}
  customer.id: {type: string, personal: true}
  customer.tier: {type: enum, values: [standard, vip], default: standard}
  customer.complaints_24h: {type: integer, window: {count: complaint, by: customer.id, within: 24h}}
  devices: {type: integer}
  category: {type: enum, values: [unclassified, question, complaint], derived_by: classification}
  tags: {type: set, derived_by: classification}
  priority: {type: enum, values: [P2, P1, P0], derived_by: priority}
  department: {type: enum, values: [desk, lab], derived_by: routing}
  role: {type: enum, values: [clerk, chief], derived_by: routing}
""",
    "lexicons.yaml": """
lexicons:
  anger: {terms: [投诉, complaint, furious]}
  asking: {terms: [请问, how do i]}
  danger: {terms: [起火, caught fire]}
""",
    "completeness.yaml": """
stage: completeness
rules:
  - {id: name-needed, because: we must be able to answer, then: {require: [contact.name]}}
  - {id: order-needed, because: complaints name the order, when: {category: complaint}, then: {require: [order.number]}}
""",
    "classification.yaml": """
stage: classification
rules:
  - {id: complaint, because: angry words, when: {text: {mentions: anger}}, then: {category: complaint, tags: [angry]}}
  - {id: question, because: asking words, when: {text: {mentions: asking}}, then: {category: question, tags: [asks]}}
  - {id: danger, because: safety first, when: {text: {mentions: danger}}, then: {category: complaint, tags: [safety]}}
""",
    "priority.yaml": """
stage: priority
rules:
  - {id: danger-p0, because: safety outranks all, when: {tags: {has: safety}}, then: {priority: P0}}
  - {id: vip-p1, because: VIPs first, when: {customer.tier: vip}, then: {priority: P1}}
  - {id: third-complaint, because: again, when: {customer.complaints_24h: {at_least: 3}}, then: {priority: P1}}
  - {id: many-devices, because: wide, when: {devices: {at_least: 100}}, then: {priority: P0}}
""",
    "sla.yaml": """
stage: sla
rules:
  - {id: fast, because: minutes count, rank: 1, when: {priority: P0}, then: {sla.first_response: {within: 15m, calendar: always}}}
  - {id: normal, because: usual, rank: 2, then: {sla.first_response: 4h}}
  - {id: stuck, because: say so, when: {request.status: blocked}, then: {sla.blocked: 2h}}
""",
    "routing.yaml": """
stage: routing
rules:
  - {id: to-lab, because: the lab knows, when: {tags: {has: safety}}, then: {department: lab, role: chief}}
""",
    "escalation.yaml": """
stage: escalation
rules:
  - id: alarm
    because: people may be hurt
    when: {tags: {has: safety}}
    then: {notify: {roles: [guard], template: alarm, urgent: true, until_acknowledged: true}, open_case: recall}
""",
    "clocks.yaml": """
clocks:
  - {id: first_response, because: answer, calendar: office, stop: [request.replied], role: owner, ladder: usual, pause_while: [on_hold]}
  - {id: blocked, because: report, calendar: office, stop: [request.progress_reported], role: chief, task: report}
""",
    "ladders.yaml": """
ladders:
  - id: usual
    because: somebody must hear
    steps:
      - {at: 50%, notify: {roles: [owner], template: warn}}
      - at: 0m
        notify: {roles: [chief], template: breach, until_acknowledged: true}
        raise_priority: true
        repeat: {every: 10m, at_most: 2}
""",
    "calendar.yaml": """
calendar: {id: office, timezone: Asia/Shanghai, weekly: {mon-fri: ["09:00-18:00"]}, years: [2026]}
""",
    "templates.yaml": """
templates:
  alarm: {en: "{number} safety {priority}", zh: "{number} 安全 {priority}"}
  warn: {en: "{clock} is due {due}"}
  breach: {en: "{clock} was due {due}"}
  report: {en: "report by {due}"}
""",
}


def write(folder, **changed):
    """The folder with some files (named without .yaml) replaced."""
    for name, text in {**FILES, **{f"{key}.yaml": text for key, text in changed.items()}}.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def compiled(folder, engine="durable", **changed):
    result = load_rulebook(write(folder, **changed))
    assert result.rulebook is not None, [str(d) for d in result.diagnostics]
    return compile_rulebook(result.rulebook, engine)


def at(text):
    """An instant in Shanghai time, such as 2026-03-02 09:30 (a Monday)."""
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


class Story:
    """Events of one request, decided one after the other; each is decided as of its own time."""

    def __init__(self, rulebook):
        self.rulebook = rulebook
        self.state = None
        self.count = 0

    def happens(self, type_, time, *, actor="customer", now=None, windows=None, historical=False, **data):
        self.count += 1
        event = Event(
            source="crm",
            id=f"e{self.count}",
            type=type_ if type_.startswith("timer") else f"request.{type_}",
            time=at(time),
            request_id="R1",
            actor=ActorRole(actor),
            historical=historical,
            data={name.replace("__", "."): value for name, value in data.items()},
        )
        return self.decides(event, now=at(now) if now else event.time, windows=windows or {})

    def decides(self, event, *, now, windows=None):
        decision = decide(self.rulebook, self.state, event, Context(windows or {}), now)
        self.state = decision.state
        return decision

    def timer(self, timer_id, now):
        """The timer of this id is due and fires at `now`."""
        armed = self.state.timers[timer_id]
        self.count += 1
        event = Event(
            source="answerby/timers",
            id=f"R1/{timer_id}",
            type="timer.due",
            time=armed.due,
            request_id="R1",
            actor=ActorRole.SYSTEM,
            data={"timer.id": timer_id, "timer.late_by": int((at(now) - armed.due).total_seconds())},
        )
        return self.decides(event, now=at(now))


def clock(decision, name):
    return next((c for c in decision.clocks if c.name == name), None)


def effects(decision, kind):
    return [e for e in decision.effects if e.kind == kind]
