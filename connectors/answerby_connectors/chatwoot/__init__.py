"""The `chatwoot` connector: conversations of one account of a Chatwoot, by its REST API. It takes webhooks, and polls.

Settings, beside those of every ticket platform (`answerby_connectors.kit.settings.DeskSettings`):
    url                 the address of the Chatwoot, such as https://app.chatwoot.com
    account             the number of the account, as the address of its dashboard shows it
    token               the access token of a user that only answerby uses
    label_prefix        the beginning of the label that shows the category; default `category_`
    signature           `chatwoot`, or `secret-path` for releases that sign no webhooks
    webhook_secrets     the secrets of the webhook, the newest first; without any, no webhook is taken
    poll_seconds        seconds between two questions for changes; default 60

**In.** Each conversation becomes `request.received`, with its first message, each further message an event. Changes of
the status come by webhook alone. The texts of private messages stay where they are.

**Out.** One call for each field, then a private message.
"""

from answerby_connectors.chatwoot.connector import ChatwootConnector

__all__ = ["ChatwootConnector"]
