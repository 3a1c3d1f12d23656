"""The `escalated` connector: the escalated help desk (escalated-django), in both directions.

Settings, beside those of every ticket platform (`answerby_connectors.kit.settings.DeskSettings`):
    url                 the URL of the API, such as https://desk.example.com/support/api/v1
    token               an API token of an account that only answerby uses, with all abilities
    webhook_secrets     secrets of the incoming webhook; several secrets during a replacement
    priorities          our priority -> theirs; default P0 critical, P1 high, P2 medium
    priorities_back     their priority -> ours, for a change by hand; default the reverse, urgent P0, low P2
    departments         our department -> the name of theirs; an unlisted department has the same name
    statuses            their status -> our event type
    channels            their channel -> ours; an unlisted channel has the same name
    timeout             seconds to wait for each answer; default 30: the platform sends its webhooks before the answer

**In.** Subscribe a webhook to `ticket.created`, `ticket.updated`, `ticket.status_changed`, `ticket.priority_changed`,
`ticket.department_changed`, `ticket.assigned`, `ticket.unassigned`, `reply.created` and `note.created`. Other webhooks
are ignored. A webhook holds no text and no id of its own, and a repeat has another timestamp. So `complete` reads
the ticket and takes text, time and identity from the ticket (the reply, the note, the entry in the ticket's history). A
repeat is then the same event. A person's priority or department becomes `override.priority` or `override.department`.

**Out.** An update becomes an internal note, the priority, the department and the tags. Other effects become an internal
note. The connector reads the ticket first and writes only differences. The note carries the effect id. A lost answer or
a 429 half-way therefore doubles nothing. The API cannot set a department, but a macro can: give the account (or share)
one macro per department. The only action of the macro sets the department. The API cannot create tags either. The
connector uses existing tags only, among `answerby:category=<...>`, `answerby:priority=<...>`,
`answerby:department=<...>` and the tags from the rules. The note lists the values that the connector could not set.

**Echoes.** A change is our own under two conditions. Our account made the change, and the value is one that we are
writing or that a note of ours on the ticket announces. Every other change is an event.
"""

from answerby_connectors.escalated.connector import EscalatedConnector

__all__ = ["EscalatedConnector"]
