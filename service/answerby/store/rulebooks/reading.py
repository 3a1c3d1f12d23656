"""Reading of the records of the rulebook. One that cannot be read goes to the dead list, and the others go on."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from answerby.store import keys
from answerby.store.connection import Connection
from answerby.store.rulebooks.revision_records import Activation, Pointer
from answerby.store.unreadable import Place, RecordKind, Undecodable, Unreadables, decoded

_encode = msgspec.json.Encoder().encode
_pointer = msgspec.json.Decoder(Pointer)
_activation = msgspec.json.Decoder(Activation)


class RulebookReading:
    """What several services of the rulebook read. All methods raise StoreUnavailable."""

    def __init__(self, connection: Connection, unreadable: Unreadables) -> None:
        self._connection = connection
        self._unreadable = unreadable

    async def pointer(self, raw: bytes) -> Pointer | None:
        """The pointer to the active revision. In place of one that cannot be read comes the one that the history tells.

        None without such an entry: then nothing is active, as in an empty store.
        """
        try:
            return decoded(Place(RecordKind.POINTER, "", keys.RULEBOOK_ACTIVE), raw, _pointer.decode)
        except Undecodable as error:
            await self._unreadable.note(error)
        latest = next((entry for entry in await self.history() if entry.generation), None)
        if latest is None:
            await self._connection.call("rulebooks/unstage", [keys.RULEBOOK_ACTIVE], [raw])
            return None
        pointer = Pointer(
            revision=latest.after,
            generation=latest.generation,
            activated=latest.time,
            actor=latest.actor,
            reason=latest.reason,
            previous=[latest.before] if latest.before else [],
        )
        await self._connection.call("rulebooks/mend", [keys.RULEBOOK_ACTIVE], [raw, _encode(pointer)])
        return pointer

    async def history(self, limit: int = -1) -> list[Activation]:
        """The history, newest first. Without a limit all of it."""
        found: Sequence[bytes] = await self._connection.execute(
            "LRANGE", keys.RULEBOOK_HISTORY, 0, limit - 1 if limit >= 0 else -1
        )
        history = []
        for raw in found:
            try:
                history.append(
                    decoded(Place(RecordKind.ACTIVATION, "", keys.RULEBOOK_HISTORY), raw, _activation.decode)
                )
            except Undecodable as error:
                await self._unreadable.note(error)
        return history
