"""The `hubspot` connector: tickets of a HubSpot account, by its CRM API. It polls, and takes webhooks.

Settings, beside those of every ticket platform (`answerby_connectors.kit.settings.DeskSettings`):
    url              the root of the API; default https://api.hubapi.com
    token            the access token of an app that only answerby uses
    webhook_url      the address that HubSpot posts to, as it is set there: HubSpot signs it too
    webhook_secrets  the client secrets of that app; the newest first
    poll_seconds     seconds between two questions for changes; default 60

**In.** Each ticket becomes `request.received`, each change of a mapped property or of the stage an event, also from
webhooks. E-mails and notes of a ticket are seen by polling. The texts of notes stay where they are.

**Out.** The properties go in one update, the note follows. What HubSpot refuses stands in the note.
"""

from answerby_connectors.hubspot.connector import HubSpotConnector

__all__ = ["HubSpotConnector"]
