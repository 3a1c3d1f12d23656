"""The `jira` connector: requests of Jira Service Management and issues of Jira, in the cloud, by its REST API.

Settings, beside those of every ticket platform (`answerby_connectors.kit.settings.DeskSettings`):
    url                 the address of the site, such as https://example.atlassian.net
    email, token        the account and an API token of it; without `email`, `token` is an OAuth access token
    projects            the keys of the projects that are polled and from which webhooks are taken
    webhook_secrets     the secrets of the webhook, the newest first; without any, no webhook is taken
    poll_seconds        seconds between two questions for changes; default 60

Fields of `fields` may be named as people see them, or by their ids, such as `customfield_10050`.

**In.** Each issue becomes `request.received`, each comment a reply or an update, each change of the history an event.
The texts of internal comments stay where they are.

**Out.** Fields go in one edit, the status by a transition, and the note is an internal comment.
"""

from answerby_connectors.jira.connector import JiraConnector

__all__ = ["JiraConnector"]
