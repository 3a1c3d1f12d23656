"""The `redmine` connector: issues of a Redmine, by its REST API. It polls: Redmine before 7 has no webhooks.

Settings, beside those of every ticket platform (`answerby_connectors.kit.settings.DeskSettings`):
    url             the address of the Redmine, such as https://redmine.example.com
    key             the API key of an account that only answerby uses
    projects        ids or identifiers of the projects; default: all that the account sees
    markup          the text formatting of the Redmine: `textile`, or `commonmark` (default)
    statuses        their status -> our event type
    poll_seconds    seconds between two questions for changes; default 60

**In.** Each issue becomes `request.received`. Each entry of its history becomes an event: a public note a reply, a
change of status what `statuses` says, any other change an update. The author of an issue is its customer, everybody
else an agent. A priority, category or assignee that an agent chooses is set by hand. The texts of private notes and
all attachments stay where they are.

**Out.** Redmine drops without a word what the role or the workflow does not permit. The connector therefore reads the
issue after each write. The note follows, private, and tells what was refused.
"""

from answerby_connectors.redmine.connector import RedmineConnector

__all__ = ["RedmineConnector"]
