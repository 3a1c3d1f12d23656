"""Clock accounts as text, in `en` and `zh`."""

# Stays interpreted: it makes words for people, beside the decision.
from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import tzinfo
from typing import NamedTuple

from answerby.domain.clock import ClockPhase, ClockState, TargetUnit
from answerby.domain.message_words import local_time
from answerby.engine.explanation.clock_account import Change, ClockAccount, target_text
from answerby.sla.calendar import WEEKDAYS
from answerby.sla.ledger import Day, Holder, Reason

MOST_DAYS = 40
"""Days listed one by one. The data has all of them."""

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "running": "running",
        "paused": "paused",
        "stopped": "met",
        "cancelled": "cancelled",
        "due": "due {due}",
        "ended": "{phase} {stopped}",
        "breached": "over its due time",
        "head": "{name}: {summary}; target {target} on {calendar} ({rule}), counted from {counts_from}",
        "raised": "  A ladder raised it or gave it away then, and the target counts from there. It began {started}.",
        "missing": "  Calendar {calendar} lists no days off of {years}: that time counts as if there were none.",
        "manual": "  The due time was set by a person.",
        "counted": "  {counted} of working time counted in {elapsed}.",
        "towards": "  {counted} of working time counted in {elapsed}; {towards} of it since the raise.",
        "days": "  What counts until {end}{dates}:",
        "working_dates": "  Working time until {end}{dates}; the target counts working dates, not hours:",
        "dates": ", by the dates of {zone}",
        "day": "    {date}  {counted}",
        "skipped": "    {date}  nothing: {why}",
        "more": "    ... and {count} more days",
        "pause": "  Paused {since} to {until}",
        "now": "now",
        "shares": "  Who had the ball: {shares}.",
        "changes": "  What changed it:",
        "change": "    {sequence}. {time} {event}: {what}, {target} ({rule}){moved}",
        "moved": ", due {before} -> {after}",
        "none": "none",
        "problem": "  Its time cannot be told: {problem}",
        Holder.TEAM: "team",
        Holder.CUSTOMER: "customer",
        Holder.SUPPLIER: "supplier",
        Holder.CLOSED: "closed",
        Holder.PAUSED: "nobody (paused)",
        Reason.WORKING: "working day",
        Reason.MAKE_UP_DAY: "make-up day",
        Reason.OUTSIDE_HOURS: "outside working hours",
        Reason.FREE_DAY: "no hours on a {note}",
        Reason.HOLIDAY: "holiday, {note}",
        Reason.OVERRIDE: "closed on this date",
        Reason.PAUSED: "paused, {note}",
        "same": "{name}: stays as it is, {after}",
        "would": "{name}: {before} -> {after}",
        "at_once": "  It would be over its due time at once: the target counts from {start}, not from the change.",
        "nothing": "does not exist",
    },
    "zh": {
        "running": "计时中",
        "paused": "已暂停",
        "stopped": "已完成",
        "cancelled": "已取消",
        "due": "应于 {due}",
        "ended": "{phase}于 {stopped}",
        "breached": "已超时",
        "head": "{name}：{summary}；时限 {target}，日历 {calendar}（{rule}），自 {counts_from} 起算",
        "raised": "  当时升级阶梯提高或转交了请求，时限自那时起算；时钟自 {started} 起计时。",
        "missing": "  日历 {calendar} 未列出 {years} 年的节假日：该时间按没有节假日计。",
        "manual": "  到期时间由人工设定。",
        "counted": "  历时 {elapsed}，其中计入工作时间 {counted}。",
        "towards": "  历时 {elapsed}，其中计入工作时间 {counted}，自提高之时起 {towards}。",
        "days": "  至 {end} 计入的时间{dates}：",
        "working_dates": "  至 {end} 的工作时间{dates}；时限按工作日计，不按小时计：",
        "dates": "（按 {zone} 的日期）",
        "day": "    {date}  {counted}",
        "skipped": "    {date}  不计：{why}",
        "more": "    …… 另有 {count} 天",
        "pause": "  暂停 {since} 至 {until}",
        "now": "现在",
        "shares": "  时间归属：{shares}。",
        "changes": "  变更经过：",
        "change": "    {sequence}. {time} {event}：{what}，{target}（{rule}）{moved}",
        "moved": "，应于 {before} -> {after}",
        "none": "无",
        "problem": "  无法说明其时间：{problem}",
        Holder.TEAM: "我方",
        Holder.CUSTOMER: "客户",
        Holder.SUPPLIER: "供应商",
        Holder.CLOSED: "非工作时间",
        Holder.PAUSED: "无人（暂停）",
        Reason.WORKING: "工作日",
        Reason.MAKE_UP_DAY: "调休上班",
        Reason.OUTSIDE_HOURS: "工作时间以外",
        Reason.FREE_DAY: "休息日（{note}）",
        Reason.HOLIDAY: "节假日（{note}）",
        Reason.OVERRIDE: "当日停工",
        Reason.PAUSED: "暂停（{note}）",
        "same": "{name}：不变，{after}",
        "would": "{name}：{before} -> {after}",
        "at_once": "  会立即超时：时限自 {start} 起算，而非自变更时起算。",
        "nothing": "不存在",
    },
}
WEEKDAYS_ZH = dict(zip(WEEKDAYS, ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"), strict=True))
CHANGES_ZH = {
    "started": "开始",
    "restarted": "重新开始",
    "reopened": "重新打开",
    "retargeted": "时限变更",
    "paused": "暂停",
    "resumed": "恢复",
    "stopped": "完成",
    "cancelled": "取消",
    "moved": "到期时间变动",
    "corrected": "更正",
}


class ClockWriter(NamedTuple):
    """Writes clock accounts in a language, with the times of a zone. Dates are those of the clock's calendar."""

    language: str
    zone: tzinfo

    @property
    def words(self) -> Mapping[str, str]:
        return WORDS[self.language]

    def describe(self, account: ClockAccount) -> str:
        return "\n".join(self._lines(account))

    def compare(self, before: ClockState | None, after: ClockAccount | None, name: str, *, at_once: bool) -> str:
        """A clock before and after a supposed event. `at_once`: the clock would be late at once."""
        words = self.words
        was = self.summary(before) if before is not None else words["nothing"]
        now = self.summary(after.clock) if after is not None else words["nothing"]
        if was == now:
            return words["same"].format(name=name, after=now)
        lines = [words["would"].format(name=name, before=was, after=now)]
        if at_once and after is not None:
            lines.append(words["at_once"].format(start=local_time(after.counts_from, self.zone)))
        return "\n".join(lines)

    def summary(self, clock: ClockState) -> str:
        words, zone = self.words, self.zone
        phase = words[clock.phase.value]
        parts = [phase]
        if clock.stopped is not None:
            parts = [words["ended"].format(phase=phase, stopped=local_time(clock.stopped, zone))]
        if clock.due is not None:
            parts.append(words["due"].format(due=local_time(clock.due, zone)))
        if clock.breached:
            parts.append(words["breached"])
        return ("，" if self.language == "zh" else ", ").join(parts)

    def _lines(self, account: ClockAccount) -> Iterator[str]:
        words, clock, zone = self.words, account.clock, self.zone
        yield words["head"].format(
            name=clock.name,
            summary=self.summary(clock),
            target=target_text(clock.target),
            calendar=clock.target.calendar or "always",
            rule=clock.rule,
            counts_from=local_time(account.counts_from, zone),
        )
        if clock.counts_from is not None:
            yield words["raised"].format(started=local_time(clock.started, zone))
        if account.problem:
            yield words["problem"].format(problem=account.problem)
        if clock.manual:
            yield words["manual"]
        if account.missing_years:
            years = ("、" if self.language == "zh" else ", ").join(str(year) for year in account.missing_years)
            yield words["missing"].format(calendar=account.calendar.id, years=years)
        if not account.problem:
            yield from self._time(account)
        if account.changes:
            yield words["changes"]
            yield from map(self._change, account.changes)

    def _time(self, account: ClockAccount) -> Iterator[str]:
        words, clock, zone = self.words, account.clock, self.zone
        if account.elapsed:
            yield words["towards" if clock.counts_from is not None else "counted"].format(
                counted=span_text(account.counted),
                elapsed=span_text(account.elapsed),
                towards=span_text(account.towards_target),
            )
        end = clock.stopped or clock.due or account.until
        if account.days:
            other = str(account.calendar.zone) != str(zone)
            dates = words["dates"].format(zone=account.calendar.zone) if other else ""
            head = words["working_dates" if clock.target.unit is TargetUnit.WORKING_DAYS else "days"]
            yield head.format(end=local_time(end, zone), dates=dates)
            yield from (self._day(day) for day in account.days[:MOST_DAYS])
            if len(account.days) > MOST_DAYS:
                yield words["more"].format(count=len(account.days) - MOST_DAYS)
        for since, until in clock.pauses:
            yield words["pause"].format(since=local_time(since, zone), until=local_time(until, zone))
        if clock.phase is ClockPhase.PAUSED and clock.paused_since is not None:
            yield words["pause"].format(since=local_time(clock.paused_since, zone), until=words["now"])
        if account.shares:
            shares = [f"{words[s.holder]} {s.percent:g} % ({span_text(s.seconds)})" for s in account.shares]
            yield words["shares"].format(shares=("、" if self.language == "zh" else ", ").join(shares))

    def _day(self, day: Day) -> str:
        words = self.words
        if day.counted:
            extra = f"  ({words[day.reason]})" if day.reason is Reason.MAKE_UP_DAY else ""
            return words["day"].format(date=day.date.isoformat(), counted=span_text(day.counted)) + extra
        note = WEEKDAYS_ZH.get(day.note, day.note) if self.language == "zh" else day.note
        return words["skipped"].format(date=day.date.isoformat(), why=words[day.reason].format(note=note))

    def _change(self, change: Change) -> str:
        words, zone = self.words, self.zone
        moved = ""
        if change.due_before != change.due_after:
            before, after = (
                local_time(due, zone) if due else words["none"] for due in (change.due_before, change.due_after)
            )
            moved = words["moved"].format(before=before, after=after)
        return words["change"].format(
            sequence=change.sequence,
            time=local_time(change.event_time, zone),
            event=change.event_type,
            what=CHANGES_ZH[change.what] if self.language == "zh" else change.what,
            target=change.target,
            rule=change.rule,
            moved=moved,
        )


def span_text(seconds: float) -> str:
    """`51h 5m`, `45m`, `12s`. No days, as a working day has not 24 hours."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{number}{unit}" for number, unit in ((hours, "h"), (minutes, "m"), (rest, "s")) if number]
    return " ".join(parts) or "0m"
