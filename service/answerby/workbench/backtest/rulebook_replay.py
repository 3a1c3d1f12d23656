"""The replay of one rulebook: its decisions on every request so far."""

from __future__ import annotations

from datetime import datetime

from answerby.domain.decision import Decision
from answerby.domain.errors import AnswerbyError
from answerby.domain.event import Event
from answerby.domain.request import RequestState
from answerby.engine.case import Case, Context
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.decide import decide
from answerby.engine.follower_ids import LONGEST, ids_for
from answerby.engine.history.refold import needs_fold
from answerby.engine.history.replies import begins_request
from answerby.engine.memory.reminders import Reminder, reminder
from answerby.engine.memory.requests import RememberingRequests
from answerby.engine.memory.steps import RememberingSteps
from answerby.workbench.backtest.request_run import RequestRun
from answerby.workbench.backtest.windows import WindowsInMemory

NO_COUNTS = Context()


class RulebookReplay:
    """The requests of one run under one rulebook. It grows until the next run begins."""

    def __init__(self, compiled: CompiledRulebook, *others: CompiledRulebook) -> None:
        """The memory gives results again only if they stay the same under the `others`, too."""
        self.compiled = compiled
        self.steps = RememberingSteps(compiled)
        self.memory = RememberingRequests(self.steps, *others)
        self.windows = WindowsInMemory(compiled.rulebook.vocabulary)
        self.states: dict[str, RequestState] = {}
        self.histories: dict[str, list[Event]] = {}
        self.runs: dict[str, RequestRun] = {}

    def begin(self) -> None:
        """Forgets the requests of the last call. The runs that it returned are not changed."""
        self.memory.forget()
        self.windows.forget()
        self.states, self.histories, self.runs = {}, {}, {}

    def request_run(self, request_id: str) -> RequestRun:
        request_run = self.runs.get(request_id)
        if request_run is None:
            request_run = self.runs[request_id] = RequestRun()
        return request_run

    def context(self, event: Event, state: RequestState | None) -> Context:
        context = Context(self.windows.counts(event, state)) if self.windows else NO_COUNTS
        late = needs_fold(state, event)
        if late or begins_request(state, event):
            context = context._replace(follower_ids=ids_for(event.request_id, LONGEST, self.states.get))
        if not late:
            return context
        return context._replace(history=list(self.histories.get(event.request_id, ())))

    def decide(self, event: Event, moment: datetime, context: Context) -> Decision | AnswerbyError:
        """Returns an error if the event is refused."""
        state = self.states.get(event.request_id)
        try:
            return decide(self.compiled, state, event, context, moment, self.memory, words=False)
        except AnswerbyError as error:
            return error

    def settle(self, event: Event, decided: Decision | AnswerbyError) -> Decision | None:
        """Adds the decision. None stands for a refusal."""
        request_run = self.request_run(event.request_id)
        if isinstance(decided, AnswerbyError):
            request_run.refuse(f"{decided.reason}: {decided.message}")
            return None
        assert decided.state is not None
        before = self.states.get(event.request_id)
        self.states[event.request_id] = decided.state
        self.histories.setdefault(event.request_id, []).append(event)
        if self.windows:
            self.windows.note(before, decided.state)
        request_run.note(decided)
        return decided

    def remind(self, event: Event, moment: datetime) -> Reminder | None:
        """Fires a timer that only reminds. None if it needs a decision; nothing is done then."""
        request_id = event.request_id
        due_reminder = reminder(Case(self.compiled, self.states[request_id], event, NO_COUNTS, moment), self.memory)
        if due_reminder is None:
            return None
        self.runs[request_id].remind(due_reminder)
        self.states[request_id] = due_reminder.after
        self.histories[request_id].append(event)
        return due_reminder
