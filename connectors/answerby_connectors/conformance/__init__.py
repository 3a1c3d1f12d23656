"""The conformance kit: proves what the manifest of a connector claims, against a platform that misbehaves.

A package that brings a connector writes a `Stage`: its platform in memory, and how the connector meets it. Then

    from answerby_connectors.conformance import Conformance

    class TestAcme(Conformance):
        stage_type = AcmeStage

runs every case under pytest. `pip install answerby[conformance]` brings what it needs.
`python -m pytest -p answerby_connectors.conformance.plugin --connector-table` ends with a table.
"""

from answerby_connectors.conformance.cases import Conformance
from answerby_connectors.conformance.stage import Stage
from answerby_connectors.conformance.wire import Answer, Call, Fault, Server

__all__ = ["Answer", "Call", "Conformance", "Fault", "Server", "Stage"]
