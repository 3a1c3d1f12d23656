"""The report as one HTML file: no script, nothing loaded, works offline and on paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from answerby.cli.backtest.page.charts import Row, bars
from answerby.cli.backtest.page.example import render_example
from answerby.cli.backtest.page.markup import Markup, element, join
from answerby.cli.backtest.page.style import STYLE
from answerby.cli.backtest.report_text import MOST_COLUMNS, headline, share, with_revision
from answerby.domain.message_words import local_time
from answerby.sla.zones import load_zone
from answerby.workbench.backtest.report import ClockReport, EffectReport, FieldReport, Report, StageReport

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
MOST_ROWS = 30
LEAST_SHADE, MOST_SHADE = 0.08, 0.6
TITLES = {"sla": "SLA"}
EFFECT_TITLES = {"notices": "Messages by role", "tasks": "Tasks by role", "cases": "Cases opened"}


def render_page(report: Report) -> str:
    """The whole page. The same report gives the same bytes."""
    head = element(
        "head",
        Markup('<meta charset="utf-8">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        element("title", f"Backtest of {report.new}"),
        element("style", Markup(STYLE)),
    )
    sections: list[Markup] = [
        _header(report),
        *_gates(report),
        *(part for stage in report.stages for part in _stage(stage, report)),
        *_clocks(report),
        *_effects(report),
        *_examples(report),
    ]
    body = element("body", element("main", *sections))
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def _header(report: Report) -> Markup:
    until = "until no timer was left"
    if report.horizon:
        until = local_time(report.horizon, load_zone(report.time_zone))
    facts = [("New rules", with_revision(report.new, report.new_revision))]
    if report.old:
        facts.append(
            ("Compared with", with_revision(report.old, report.old_revision) if report.old_revision else _recorded())
        )
    facts += [
        ("Requests from", report.source),
        ("Requests", f"{report.requests}, {report.events} events{_lead(report)}"),
        ("Timers fired until", until),
        ("Compared", "where each request stands in the end" if report.point == "last" else "as first decided"),
        ("Decisions", f"{report.decisions.new}, of these {report.timers.new} on timers"),
    ]
    facts = [(name, str(number)) for name, number in _refused(report) if number] + facts
    facts += [(name, str(number)) for name, number in _oddities(report) if number]
    listed = [part for name, value in facts for part in (element("dt", name), element("dd", value))]
    head = [element("h1", "Backtest"), element("p", report.summary, class_="summary")]
    parts = [*head, element("dl", *listed, class_="facts")]
    if report.compared:
        tiles = [
            element("li", element("strong", f"{number:,}"), f"{name} ({share(number, report.compared)})")
            for name, number in headline(report)
        ]
        parts.append(element("ul", *tiles, class_="tiles", aria_label="What changes, in requests"))
    return element("header", *parts)


def _recorded() -> str:
    return "what was recorded"


def _lead(report: Report) -> str:
    return f"; {report.lead} earlier requests only counted with them" if report.lead else ""


def _refused(report: Report) -> list[tuple[str, int]]:
    return [
        ("Requests refused", report.requests_refused),
        ("Rows that could not be used", report.rows.get("refused", 0)),
    ]


def _oddities(report: Report) -> list[tuple[str, int]]:
    return [
        ("Not comparable", report.requests - report.compared if report.old else 0),
        ("Requests with too many timers, old rules", report.cut.old),
        ("Requests with too many timers, new rules", report.cut.new),
        ("Requests with an undecidable event, old rules", report.refused.old),
        ("Requests with an undecidable event, new rules", report.refused.new),
    ]


def _gates(report: Report) -> Iterable[Markup]:
    if not report.gates:
        return
    rows = []
    for gate in report.gates:
        verdict = element("td", "trips" if gate.tripped else "holds", class_="trips" if gate.tripped else "holds")
        cells = (element("td", f"{gate.requests:,}"), element("td", f"{gate.percent:.2f} %"))
        rows.append(element("tr", element("th", gate.gate, scope="row"), *cells, verdict))
    yield element("section", element("h2", "Gates"), table("", ("gate", "requests", "share", "verdict"), rows))


def _stage(stage: StageReport, report: Report) -> Iterable[Markup]:
    parts: list[Markup] = []
    for field in stage.fields:
        parts += _field(field, stage.stage, report)
    odd = [cell for cell in stage.outcomes if cell.old != cell.new]
    if odd:
        rows = [
            element("tr", *(element("td", w, class_="word") for w in (c.old, c.new)), element("td", f"{c.requests:,}"))
            for c in odd
        ]
        parts.append(table("How the stage came out, where that differs", ("old", "new", "requests"), rows))
    moved = [rule for rule in stage.rules if rule.old != rule.new]
    if moved and report.compared:
        rows = [
            element(
                "tr",
                element("th", rule.id, scope="row"),
                *(element("td", f"{n:,}") for n in (rule.old, rule.new)),
                element("td", f"{rule.new - rule.old:+,}"),
            )
            for rule in moved[:MOST_ROWS]
        ]
        more = f" (the first {MOST_ROWS} of {len(moved)})" if len(moved) > MOST_ROWS else ""
        parts.append(
            table(f"Rules that decide for another number of requests{more}", ("rule", "old", "new", "by"), rows)
        )
    if parts:
        yield element("section", element("h2", TITLES.get(stage.stage, stage.stage.capitalize())), *parts)


def _field(field: FieldReport, stage: str, report: Report) -> Iterable[Markup]:
    """A field that nobody decides otherwise is left out, but for the categories and priorities themselves."""
    if report.compared and not field.changed and not field.sometime and field.name not in ("category", "priority"):
        return
    yield element("h3", field.name)
    if report.compared:
        yield element("p", f"Of {report.compared:,} requests: {field.words or 'none changes'}.", class_="note")
    values = [v for v in field.values if v in field.old or v in field.new][:MOST_ROWS]
    rows = [Row(value, field.old.get(value, 0), field.new.get(value, 0)) for value in values]
    yield bars(f"{stage}-{field.name}".replace(".", "-"), f"Requests by {field.name}", rows, old=bool(report.compared))
    if field.is_set:
        yield from _members(field)
    elif report.compared and len(field.values) <= MOST_COLUMNS:
        yield matrix(field)
    elif report.compared:
        yield _moves(field)


def matrix(field: FieldReport) -> Markup:
    """Old values down, new ones across. The shade follows the share of the old value's requests that moved there."""
    counts = {(cell.old, cell.new): cell.requests for cell in field.matrix}
    columns = [value for value in field.values if any(new == value for _, new in counts)]
    rows = []
    for old in field.values:
        total = sum(counts.get((old, new), 0) for new in columns)
        if total:
            cells = (_cell(counts.get((old, new), 0), total, same=old == new) for new in columns)
            rows.append(element("tr", element("th", old, scope="row"), *cells, element("td", f"{total:,}")))
    heads = (f"{field.name}: old ↓ new →", *columns, "all")
    return table("Requests by old value (row) and new value (column); the outlined cells did not change", heads, rows)


def _cell(number: int, total: int, *, same: bool) -> Markup:
    if not number:
        return element("td", "·", class_="same" if same else "soft")
    if same:
        return element("td", f"{number:,}", class_="same")
    shade = LEAST_SHADE + (MOST_SHADE - LEAST_SHADE) * number / total
    return element("td", f"{number:,}", class_="heat", style=f"--share: {shade:.2f}")


def _moves(field: FieldReport) -> Markup:
    moved = sorted((c for c in field.matrix if c.old != c.new), key=lambda c: (-c.requests, c.old, c.new))
    rows = [
        element("tr", *(element("td", w, class_="word") for w in (c.old, c.new)), element("td", f"{c.requests:,}"))
        for c in moved[:MOST_ROWS]
    ]
    more = f" (the {MOST_ROWS} most frequent of {len(moved)})" if len(moved) > MOST_ROWS else ""
    return table(f"Changes{more}", ("old", "new", "requests"), rows)


def _members(field: FieldReport) -> Iterable[Markup]:
    members = sorted({*field.gained, *field.lost})
    if members:
        rows = [
            element(
                "tr",
                element("th", name, scope="row"),
                element("td", f"{field.gained.get(name, 0):,}"),
                element("td", f"{field.lost.get(name, 0):,}"),
            )
            for name in members[:MOST_ROWS]
        ]
        yield table("Requests that gain or lose a member", ("member", "gained", "lost"), rows)


def _clocks(report: Report) -> Iterable[Markup]:
    if not report.clocks:
        return
    compared = bool(report.compared)
    chart = bars(
        "breaches",
        "Requests with a breached clock, by clock",
        [Row(_clock_label(c), c.breached.old, c.breached.new) for c in report.clocks],
        old=compared,
    )
    rows = []
    for clock in report.clocks:
        old = (clock.ran.old, clock.breached.old) if compared else ()
        figures = (*old, clock.ran.new, clock.breached.new, *((clock.new, clock.gone) if compared else ()))
        head = element("th", _clock_label(clock), scope="row")
        rows.append(element("tr", head, *(element("td", f"{number:,}") for number in figures)))
    heads = ("ran, old", "breached, old") if compared else ()
    heads = ("clock", *heads, "ran, new", "breached, new", *(("only new", "no longer") if compared else ()))
    yield element("section", element("h2", "Clocks"), chart, table("Requests by clock", heads, rows))


def _clock_label(clock: ClockReport) -> str:
    labels = " ".join(label for _, label in sorted(clock.labels.items()) if label)
    return f"{clock.name} {labels}".strip()


def _effects(report: Report) -> Iterable[Markup]:
    groups = [(kind, [effect for effect in report.effects if effect.kind == kind]) for kind in EFFECT_TITLES]
    parts: list[Markup] = []
    for kind, group in groups:
        if not group:
            continue
        parts.append(element("h3", EFFECT_TITLES[kind]))
        rows = [Row(_effect_label(effect), effect.total.old, effect.total.new) for effect in group]
        parts.append(bars(f"told-{kind}", EFFECT_TITLES[kind], rows, old=bool(report.compared)))
        if report.compared:
            lines = [
                element(
                    "tr",
                    element("th", _effect_label(effect), scope="row"),
                    *(element("td", f"{n:,}") for n in (effect.total.old, effect.total.new, effect.more, effect.fewer)),
                )
                for effect in group
            ]
            heads = ("who", "old", "new", "more, on requests", "fewer, on requests")
            parts.append(
                table(f"{EFFECT_TITLES[kind]}, and on how many requests there are more or fewer", heads, lines)
            )
    if parts:
        yield element("section", element("h2", "Who is told"), *parts)


def _effect_label(effect: EffectReport) -> str:
    return f"{effect.name} {effect.title}".strip()


def _examples(report: Report) -> Iterable[Markup]:
    if report.examples:
        note = "The most important first. Of each kind of change, the requests that change most."
        listed = [render_example(example, load_zone(report.time_zone)) for example in report.examples]
        yield element("section", element("h2", "Examples"), element("p", note, class_="note"), *listed)


def table(caption: str, heads: Sequence[str], rows: Sequence[str]) -> Markup:
    """A table that scrolls by itself when it is wide."""
    top = element("thead", element("tr", *(element("th", head, scope="col") for head in heads)))
    parts = [element("caption", caption)] if caption else []
    return element("div", element("table", *parts, top, element("tbody", join(*rows))), class_="scroll")
