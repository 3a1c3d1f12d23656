"""A platform of changes on a real socket, which workers poll."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.kit.platforms.changes_site import ChangesSite


@pytest.fixture
async def site() -> AsyncIterator[ChangesSite]:
    platform = ChangesSite()
    await platform.server.start()
    yield platform
    await platform.server.stop()
