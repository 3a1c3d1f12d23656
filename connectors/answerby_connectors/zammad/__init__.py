"""The `zammad` connector: tickets of a Zammad, by its REST API. It takes webhooks, and polls.

Settings, beside those of every ticket platform (`answerby_connectors.kit.settings.DeskSettings`):
    url                 the address of the Zammad, such as https://help.example.com
    token               an access token of an agent that only answerby uses
    webhook_secrets     the signature tokens of the webhook, the newest first; without any, no webhook is taken
    poll_seconds        seconds between two questions for changes; default 60

**In.** Each ticket becomes `request.received`, each article a reply or an update, each change of the history an event.
The texts of internal articles stay where they are.

**Out.** Fields and an internal article go in one update. What Zammad refuses stands in the article.
"""

from answerby_connectors.zammad.connector import ZammadConnector

__all__ = ["ZammadConnector"]
