"""The `zendesk` connector: tickets of Zendesk Support, by its REST API. It polls by the incremental cursor.

Settings, beside those of every ticket platform (`answerby_connectors.kit.settings.DeskSettings`):
    url             the address of the account, such as https://example.zendesk.com
    token           an API token of a user that only answerby uses, or an OAuth access token
    email           the e-mail address of that user; empty for an OAuth access token
    tag_prefix      the beginning of the tag that shows the category; default `category_`
    statuses        their status -> our event type
    poll_seconds    seconds between two questions for changes; default 60

**In.** Each ticket becomes `request.received`. Each audit becomes an event: a public comment a reply, a change of
status what `statuses` says, any other change an update. The requester is the customer, everybody else an agent. Values
that a trigger or an automation sets are not set by hand and bring no event. The texts of internal notes stay where they
are.

**Out.** Fields and an internal note go in one update. What Zendesk refuses stands in the note.
"""

from answerby_connectors.zendesk.connector import ZendeskConnector

__all__ = ["ZendeskConnector"]
