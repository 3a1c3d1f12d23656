"""The `escalated` connector: the escalated help desk (escalated-django), in both directions.

Settings:
    url                 its API, such as https://desk.example.com/support/api/v1
    token               an API token of an account that only answerby uses, with all abilities
    webhook_secrets     secrets of the webhook that it sends to us; several while one is replaced
    source              source of the events; default `escalated/<name of the connector>`
    tenant              whose events they are; default `default`
    priorities          our priority -> theirs; default P0 critical, P1 high, P2 medium
    priorities_back     their priority -> ours, for a change by hand; default the reverse, urgent P0, low P2
    departments         our department -> the name of theirs; one that is not listed has the same name
    statuses            their status -> our event type
    channels            their channel -> ours; one that is not listed has the same name
    facts               what we read -> the fact it becomes; an empty name leaves it out
    timeout             seconds to wait for each answer; default 30: it sends its own webhooks before it answers

**In.** Subscribe a webhook to `ticket.created`, `ticket.updated`, `ticket.status_changed`, `ticket.priority_changed`,
`ticket.department_changed`, `ticket.assigned`, `ticket.unassigned`, `reply.created` and `note.created`; others are
ignored. A webhook holds no text and no id of its own, and a repeat of it has another timestamp: `complete` reads the
ticket and takes text, time and identity from there (the reply, the note, the entry in the ticket's history), so a
repeat is the same event. A priority or department set by a person becomes `override.priority` or `override.department`.

**Out.** An update becomes an internal note, the priority, the department and the tags; other effects become an internal
note. The ticket is read first and only what differs is written, so a lost answer or a 429 half-way doubles nothing: the
note carries the effect id. The API cannot set a department, but a macro can: give the account (or share) one macro per
department whose only action sets it. The API cannot create tags either: of `answerby:category=<...>`,
`answerby:priority=<...>`, `answerby:department=<...>` and the tags that the rules set, those are used that exist there.
What cannot be set stands in the note.

**Echoes.** A change is our own when our account made it and it has the value that we are writing, or one that a note of
ours on the ticket announces. Whatever anybody else does is an event.
"""

from answerby_connectors.escalated.connector import EscalatedConnector

__all__ = ["EscalatedConnector"]
