"""Connectors: one module per platform behind one small protocol.

* `base` is the protocol: a manifest that says what the connector guarantees, `deliver` for what goes out, `receive` and
  `complete` for what comes in.
* `registry` builds a connector from its type and settings.
* `file`, `webhook` and `escalated` are the connectors that ship. `standard_webhooks` signs and verifies.

A connector keeps no state that it could not lose: whether an effect was done is read from the platform itself.
Connectors import `answerby.domain` and nothing else of ours.
"""
