"""Time zones from one pinned source, so that every machine computes the same due times."""

# Stays interpreted: it runs once per zone.
from __future__ import annotations

import zoneinfo

import tzdata  # type: ignore[import-untyped]

ZONE_DATA: str = tzdata.IANA_VERSION
"""Release of the IANA time zone database in use, such as 2026f."""

# Zone data of the operating system would make deadlines differ between machines.
zoneinfo.reset_tzpath(())
zoneinfo.ZoneInfo.clear_cache()


def load_zone(name: str) -> zoneinfo.ZoneInfo:
    """An IANA zone, such as Asia/Shanghai. Raises LookupError, ValueError or OSError for an unknown name."""
    return zoneinfo.ZoneInfo(name)
