"""The option `--zone`: the zone in which times are shown."""

from __future__ import annotations

from datetime import tzinfo

from answerby.cli.fail import CommandFailed
from answerby.sla.zones import load_zone


def zone_asked(name: str) -> tzinfo | None:
    """The zone of `--zone`; None where none was asked for. Raises CommandFailed for an unknown name."""
    if not name:
        return None
    try:
        return load_zone(name)
    except (LookupError, ValueError, OSError) as error:
        raise CommandFailed(f"--zone {name}: is no time zone; use an IANA name such as Asia/Shanghai") from error
