"""The `rt` connector: tickets of a Request Tracker 5, by its REST 2 API. It polls: RT has no webhooks of its own.

Settings, beside those of every ticket platform (`answerby_connectors.kit.settings.DeskSettings`):
    url             the address of the RT, such as https://rt.example.com
    account         the name of the user that only answerby uses; its time zone has to be UTC
    token           an authentication token of this user
    queues          names of queues; default: all that the user sees
    poll_seconds    seconds between two questions for changes; default 60

**In.** Each ticket becomes `request.received`. Each transaction becomes an event: correspondence a reply, a change of
status what `statuses` says, any other change of a known field an update. The requestors of a ticket are its customers,
everybody else an agent. The texts of comments and all attachments stay where they are.

**Out.** RT answers 200 with sentences when it refuses a field, and sets a priority that is no number to 0. The
connector therefore reads the ticket after each write. A change of fields carries the ETag of what it was compared with,
so that it never overwrites a newer one. The note follows as a comment, and tells what was refused.
"""

from answerby_connectors.rt.connector import RtConnector

__all__ = ["RtConnector"]
