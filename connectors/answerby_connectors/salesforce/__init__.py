"""The `salesforce` connector: cases of a Salesforce org, by its REST API. It polls.

Settings, beside those of every ticket platform (`answerby_connectors.kit.settings.DeskSettings`):
    url              My Domain of the org, such as https://acme.my.salesforce.com
    client_id        the consumer key of a connected app with the client credentials flow
    client_secret    its consumer secret
    version          the version of the API; default v65.0
    emails           whether the e-mails of cases are read: Email-to-Case is on; default true
    poll_seconds     seconds between two questions for changes; default 60

**In.** Each case becomes `request.received`. Each row of its history, each comment and each e-mail becomes an event.
The texts of unpublished comments stay where they are.

**Out.** The fields go in one update, on the condition that nobody changed the case since it was read. An unpublished
comment follows. What Salesforce refuses stands in it.
"""

from answerby_connectors.salesforce.connector import SalesforceConnector

__all__ = ["SalesforceConnector"]
