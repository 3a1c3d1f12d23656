"""The `freshdesk` connector: tickets of a Freshdesk, by its REST API of version 2. It polls.

Settings, beside those of every ticket platform (`answerby_connectors.kit.settings.DeskSettings`):
    url             the root of the API, such as https://acme.freshdesk.com/api/v2
    key             the API key of an agent that only answerby uses
    poll_seconds    seconds between two questions for changes; default 60
"""

from answerby_connectors.freshdesk.connector import FreshdeskConnector

__all__ = ["FreshdeskConnector"]
