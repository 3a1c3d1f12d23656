"""What a worker says of records that cannot be read: one line of the log and one count for each."""

from __future__ import annotations

from answerby.server.base.services import Services
from answerby.store.unreadable import RecordKind, UnreadableRecord

NAMELESS = (RecordKind.COUNT, RecordKind.TENANT)
"""Their names may be any bytes, so the log shows the key alone."""


def report_unreadable(services: Services) -> None:
    """Logs and counts each record that goes into the dead list. The reason stays there, since it may quote values."""

    def report(record: UnreadableRecord) -> None:
        services.metrics.dead_letter(record.kind.value)
        services.logger.error(
            "record unreadable",
            kind=record.kind.value,
            tenant=record.tenant,
            key=record.key,
            field="" if record.kind in NAMELESS else record.name,
        )

    services.store.unreadable.listen(report)
