"""Connectors: one module per platform behind one small protocol.

* `kit.base` is the protocol: a manifest with the connector's guarantee, `deliver` for effects, `receive` and `complete`
  for events.
* `kit.registry` builds a connector from its type and settings.
* `file`, `webhook` and `escalated` are the included connectors. `kit.standard_webhooks` signs and verifies.

A connector keeps only state that may be lost. The platform itself shows whether an effect was carried out.
Connectors import the kit and `answerby.domain`, and no other part of answerby.
"""
