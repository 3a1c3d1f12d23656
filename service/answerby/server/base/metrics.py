"""Prometheus metrics. With PROMETHEUS_MULTIPROC_DIR set before import, all workers count into one folder."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from answerby.domain.decision import Decision

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LABELS = 1024
"""The number of label combinations that a metric remembers. Fewer combinations exist."""
LATENESS = (0.1, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 3600.0, 86_400.0)


class Metrics:
    """All counts of one worker. No label holds an id of a request or a customer."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"answerby_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str, mode: str = "livemostrecent") -> Gauge:
            return Gauge(f"answerby_{name}", text, labels, registry=registry, multiprocess_mode=mode)  # type: ignore[arg-type]

        def histogram(name: str, text: str, *labels: str, buckets: tuple[float, ...] = SECONDS) -> Histogram:
            return Histogram(f"answerby_{name}", text, labels, registry=registry, buckets=buckets)

        calls = counter("calls", "gRPC calls by method and code.", "method", "code")
        call_seconds = histogram("call_seconds", "Duration of gRPC calls, seconds.", "method")
        events = counter("events", "Events by where they came from and what became of them.", "origin", "result")
        decisions = counter("decisions", "Committed decisions by priority.", "priority")
        stages = counter("stage_outcomes", "How the stages came to their results.", "stage", "outcome")
        shadow = counter(
            "shadow_matches",
            "Shadow rules that matched; would: change, nothing or fail, had they been live.",
            "stage",
            "rule",
            "would",
        )
        flags = counter("decision_flags", "Flags on decisions.", "code")
        # A label look-up costs more than a count, so the labels of every event are looked up once.
        self._calls = lru_cache(LABELS)(calls.labels)
        self._call_seconds = lru_cache(LABELS)(call_seconds.labels)
        self._events = lru_cache(LABELS)(events.labels)
        self._decisions = lru_cache(LABELS)(decisions.labels)
        self._stages = lru_cache(LABELS)(stages.labels)
        self._flags = lru_cache(LABELS)(flags.labels)
        self._shadow = lru_cache(LABELS)(shadow.labels)
        self._decide_seconds = histogram("decide_seconds", "Time to decide one event, seconds.")
        self._commit_seconds = histogram("commit_seconds", "Time of one round trip that commits, seconds.")
        self._batch = histogram("commit_events", "Events per commit.", buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500))
        self._conflicts = counter("commit_conflicts", "Decisions made again because the request had changed.")
        self.queue_age = gauge("queue_age_seconds", "Age of the oldest intake entry not yet decided, seconds.")
        self._dead = counter("dead_letters", "Intake entries, effects and unreadable records given up.", "kind")
        self.clock_skew = gauge("clock_skew_seconds", "How far a machine's clock is ahead of the store's, seconds.")
        self._loop_failures = counter("loop_failures", "Steps of background loops that failed.", "loop")
        self._lost = counter("store_lost_decisions", "Decisions that were told and that the store has no more.")
        self._late = counter("timers_late", "Timers fired more than one second after they were due.")
        self._timer_delay = histogram(
            "timer_delay_seconds", "How long after their due time timers fired, seconds.", buckets=LATENESS
        )
        self._held_back = counter("reminders_held_back", "Reminders missed while down and put together into a digest.")
        self._schedules = counter("schedules_fired", "Schedules that came due, by schedule.", "schedule")
        self._schedules_missed = counter("schedules_missed", "Occurrences missed while down, by schedule.", "schedule")
        self._schedule_delay = histogram(
            "schedule_delay_seconds", "How long after their time schedules fired, seconds.", buckets=LATENESS
        )
        self._deliveries = counter("deliveries", "Attempts to deliver an effect.", "connector", "outcome")
        self._polls = counter("polls", "Questions to platforms that are asked for changes.", "connector", "result")
        self._polled = counter("polled_events", "Events of polls; known: decided before.", "connector", "result")
        self._poll_lag = gauge("poll_lag_seconds", "Time since all changes of a platform were fetched.", "connector")
        self._poll_time = gauge("poll_timestamp_seconds", "When a poll last brought its page, Unix time.", "connector")
        self._refused = counter(
            "delivery_refusals", "Attempts that did not end as done, by reason.", "connector", "outcome", "reason"
        )
        self._connector_state = gauge("connector_state", "1 for the state of the connector.", "connector", "state")
        self._connector_states: set[tuple[str, str]] = set()
        self._connector_depth = gauge("connector_queue_depth", "Effects that wait for a connector.", "connector")
        self._connector_age = gauge(
            "connector_queue_age_seconds", "Age of the oldest effect that waits for a connector, seconds.", "connector"
        )
        self._connector_good = gauge(
            "connector_last_success_timestamp_seconds",
            "When a platform last gave a good answer, Unix time.",
            "connector",
        )
        self._state = gauge("rulebook_state", "1 for the state of the rulebook.", "state")
        self._revision = gauge("rulebook_revision", "1 for the active revision.", "revision")
        self._loads = counter("rulebook_loads", "Changes of the rules that were checked, by result.", "result")
        self._actions = counter("rulebook_actions", "What was done with the rules.", "action")
        self._generation = gauge("rulebook_generation", "The activation that is followed.")
        self._skew = gauge("rulebook_skew", "Workers that do not run the active revision.")
        self.load_time = gauge("rulebook_load_timestamp_seconds", "When the active rulebook was activated, Unix time.")
        self.rule_count = gauge("rulebook_rules", "Rules and table rows in the active rulebook.")
        self._faults = counter("engine_faults", "Errors of the rules engine; the reference matcher answered instead.")
        self._fallback = gauge("engine_fallback", "1 while the reference matcher decides in place of the engine.")
        self._candidate = counter("candidate_decisions", "Decisions of a candidate on trial, by result.", "result")
        self._differences = counter("engine_differences", "Engine shadow: events on which the matchers differed.")

    def call(self, method: str, code: str, seconds: float) -> None:
        self._calls(method, code).inc()
        self._call_seconds(method).observe(seconds)

    def event(self, origin: str, result: str) -> None:
        """Counts an event. `origin`: rpc, http, intake or timer.

        `result`: decided, duplicate or the reason of a refusal.
        """
        self._events(origin, result).inc()

    def decided(self, seconds: float) -> None:
        self._decide_seconds.observe(seconds)

    def committed(self, decisions: Sequence[Decision]) -> None:
        """Counts the decisions of one commit together."""
        stages = Tally((stage.stage, stage.outcome) for decision in decisions for stage in decision.explanation)
        for (stage, outcome), count in stages.items():
            self._stages(stage, outcome).inc(count)
        for labels, count in Tally(_trials(decisions)).items():
            self._shadow(*labels).inc(count)
        for priority, count in Tally(str(d.facts.get("priority") or "none") for d in decisions).items():
            self._decisions(priority).inc(count)
        for code, count in Tally(flag.code for decision in decisions for flag in decision.flags).items():
            self._flags(code).inc(count)

    def commit(self, events: int, conflicts: int, seconds: float) -> None:
        self._commit_seconds.observe(seconds)
        self._batch.observe(events)
        if conflicts:
            self._conflicts.inc(conflicts)

    def dead_letter(self, kind: str) -> None:
        self._dead.labels(kind).inc()

    def loop_failed(self, loop: str) -> None:
        self._loop_failures.labels(loop).inc()

    def store_lost(self, count: int) -> None:
        self._lost.inc(count)

    def timer(self, delay_seconds: float) -> None:
        self._timer_delay.observe(max(0.0, delay_seconds))
        if delay_seconds > 1.0:
            self._late.inc()

    def held_back(self) -> None:
        """Counts a reminder that waits for the digest of its request."""
        self._held_back.inc()

    def schedule(self, schedule: str, delay_seconds: float, missed: int) -> None:
        self._schedules.labels(schedule).inc()
        self._schedule_delay.observe(max(0.0, delay_seconds))
        if missed:
            self._schedules_missed.labels(schedule).inc(missed)

    def delivery(self, connector: str, outcome: str) -> None:
        self._deliveries.labels(connector, outcome).inc()

    def refused(self, connector: str, outcome: str, reason: str) -> None:
        """Counts an attempt that did not end as done. `reason`: a word of `delivery_reasons`."""
        self._refused.labels(connector, outcome, reason).inc()

    def connector(
        self, name: str, *, state: str, states: Iterable[str], depth: int, oldest_age: float, last_good: float
    ) -> None:
        """Shows how a connector stands. `last_good`: Unix time, 0 for never."""
        for one in states:
            self._connector_state.labels(name, one).set(1 if one == state else 0)
        self._connector_states.update((name, one) for one in states)
        self._connector_depth.labels(name).set(depth)
        self._connector_age.labels(name).set(oldest_age)
        self._connector_good.labels(name).set(last_good)

    def connector_gone(self, name: str) -> None:
        """Shows that nothing waits any more for a connector that is not in the configuration."""
        for place in [place for place in self._connector_states if place[0] == name]:
            self._connector_state.labels(*place).set(0)
        self._connector_depth.labels(name).set(0)
        self._connector_age.labels(name).set(0.0)

    def difference(self, *_: object) -> None:
        self._differences.inc()

    def candidate(self, result: str) -> None:
        """Counts a decision of the candidate. `result`: same, different or failed."""
        self._candidate.labels(result).inc()

    def engine_faults(self, count: int) -> None:
        self._faults.inc(count)

    def engine_fallback(self, *, active: bool) -> None:
        self._fallback.set(1 if active else 0)

    def poll(self, connector: str, result: str) -> None:
        """Counts a poll. `result`: done, lost to another worker, or the reason of a failure."""
        self._polls.labels(connector, result).inc()

    def polled(self, connector: str, *, new: int, known: int, at: datetime) -> None:
        self._polled.labels(connector, "new").inc(new)
        self._polled.labels(connector, "known").inc(known)
        self._poll_time.labels(connector).set(at.timestamp())

    def poll_lag(self, connector: str, seconds: float) -> None:
        self._poll_lag.labels(connector).set(max(0.0, seconds))

    def rulebook_action(self, action: str) -> None:
        self._actions.labels(action).inc()

    def rulebook_follows(self, generation: int, skew: int) -> None:
        """Shows the generation. `skew`: the number of workers with another revision than the active one."""
        self._generation.set(generation)
        self._skew.set(skew)

    def rulebook_loaded(self, *, good: bool) -> None:
        self._loads.labels("good" if good else "rejected").inc()

    def rulebook_state(self, state: str, states: Iterable[str]) -> None:
        for name in states:
            self._state.labels(name).set(1 if name == state else 0)

    def rulebook_active(self, before: str, revision: str, rules: int, activated: datetime) -> None:
        if before and before != revision:
            self._revision.labels(before).set(0)
        self._revision.labels(revision).set(1)
        self.rule_count.set(rules)
        self.load_time.set(activated.timestamp())


def _trials(decisions: Iterable[Decision]) -> Iterator[tuple[str, str, str]]:
    """Stage, rule and effect of every rule on trial that matched or failed."""
    for decision in decisions:
        for stage in decision.explanation:
            for match in stage.shadow:
                would = "fail" if match.failed else "change" if match.changes else "nothing"
                yield stage.stage, match.rule.id, would
