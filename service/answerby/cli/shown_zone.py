"""The zone in which commands show times: one that is asked for, or that of the server's rulebook."""

from __future__ import annotations

from datetime import UTC, tzinfo

import grpc

from answerby.api.v1 import rulebook_service_pb2 as rpc
from answerby.api.v1.rulebook_service_pb2_grpc import RulebookServiceStub
from answerby.cli.client import Server
from answerby.cli.zones import zone_asked
from answerby.sla.zones import load_zone

CALL_SECONDS = 15.0


class ShownZone:
    """The zone of `--zone`, or else that of the server's rulebook, asked for when the first time is shown.

    Making one raises CommandFailed for an unknown name.
    """

    def __init__(self, server: Server, name: str) -> None:
        self._server = server
        self._zone = zone_asked(name)

    def get(self) -> tzinfo:
        """The zone. UTC where the server has no rulebook, does not tell its zone, or went away."""
        return self._zone if self._zone is not None else self.known(self._rulebook())

    def known(self, rulebook: rpc.Rulebook) -> tzinfo:
        """The zone like `get`, when the server's rulebook is at hand."""
        if self._zone is None:
            self._zone = load_zone(rulebook.time_zone) if rulebook.time_zone else UTC
        return self._zone

    def _rulebook(self) -> rpc.Rulebook:
        with self._server.connect() as channel:
            stub = RulebookServiceStub(channel)
            try:
                request = rpc.GetRulebookRequest()
                response = stub.GetRulebook(request, metadata=self._server.metadata, timeout=CALL_SECONDS)
            except grpc.RpcError:
                # What is to be shown came from the server: it is shown in UTC rather than not at all.
                return rpc.Rulebook()
        return response.rulebook
