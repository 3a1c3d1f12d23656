"""The `django_helpdesk` connector: tickets of a django-helpdesk, by its REST API and its webhooks. It also polls.

Settings, beside those of every ticket platform (`answerby_connectors.kit.settings.DeskSettings`):
    url             the root of the API, such as https://desk.example.com/api
    token           the token of a staff account that only answerby uses
    account         the number of this account, which the API does not tell
    webhook_secrets the last part of the URL of the webhooks; several during a replacement; none: none is taken
    queues          name -> number of the queues, which the API does not list
    people          name -> number of the accounts that tickets may be assigned to
    titles          the title of a follow-up without words -> our event type, in the language of the help desk
    poll_seconds    seconds between two questions for new follow-ups; default 60

**In.** The API has no time of a ticket but the times of its follow-ups. The first follow-up opens the ticket. Each
later one is an event. A change without a follow-up is none.

**Out.** One call sets the fields. The note follows, as a follow-up that is not public and tells what was refused.
"""

from answerby_connectors.django_helpdesk.connector import DjangoHelpdeskConnector

__all__ = ["DjangoHelpdeskConnector"]
