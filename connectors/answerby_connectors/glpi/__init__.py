"""The `glpi` connector: tickets of a GLPI 11, by its high-level API (v2.2). It takes webhooks, and polls.

Settings, beside those of every ticket platform (`answerby_connectors.kit.settings.DeskSettings`):
    url                 the address of the GLPI, such as https://glpi.example.com
    client, client_secret   an OAuth client with the grant "password" and the scopes "api" and "user"
    user, password      the account that only answerby uses
    webhook_secrets     the secrets of the webhooks, the newest first; without any, no webhook is taken
    poll_seconds        seconds between two questions for changes; default 60

**In.** Each ticket becomes `request.received`, each followup a reply or an update. Waiting, solved and closed are told
by the times that GLPI keeps of them; work after a wait by webhook alone. Texts of private followups stay there.

**Out.** Fields in one update, the assigned group and technician by the team, then a private followup.
"""

from answerby_connectors.glpi.connector import GlpiConnector

__all__ = ["GlpiConnector"]
