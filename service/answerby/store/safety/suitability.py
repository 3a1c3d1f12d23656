"""What a server must be able to do: keep all that it has, and all keys on one master."""

from __future__ import annotations

from collections.abc import Mapping

from redis.asyncio import Redis

from answerby.domain.errors import StoreUnavailable
from answerby.store.scripts import execute

MINIMUM_VERSION = (7, 0)
KEEPS_ALL = "noeviction"
"""The only policy under which a full store refuses writes in place of dropping what it has."""


async def require_suitable(client: Redis) -> None:
    """Raises StoreUnavailable for a server older than Redis 7.0, one that evicts keys, or one of several masters."""
    server = await client.info("server")
    version = str(server["redis_version"])
    if tuple(int(part) for part in version.split(".")[:2]) < MINIMUM_VERSION:
        raise StoreUnavailable(f"Redis {version} is too old: answerby needs Redis 7.0 or later, or Valkey")
    policy = (await client.info("memory")).get("maxmemory_policy", KEEPS_ALL)
    if policy != KEEPS_ALL:
        raise StoreUnavailable(
            f"maxmemory-policy of the store is {policy}, so requests and numbers may vanish; set it to {KEEPS_ALL}"
        )
    if "cluster" in (server.get("redis_mode"), server.get("server_mode")):
        masters = _cluster_size(await execute(client, "CLUSTER", "INFO"))
        if masters > 1:
            raise StoreUnavailable(
                f"the store is a Redis Cluster of {masters} masters, and answerby needs one master for all its keys;"
                " use a single server, Sentinel, or a cluster of one master with replicas"
            )


def _cluster_size(info: bytes | Mapping[str, str]) -> int:
    """The number of masters that hold slots."""
    if isinstance(info, Mapping):
        return int(info["cluster_size"])
    lines = dict(line.split(":", 1) for line in info.decode().splitlines() if ":" in line)
    return int(lines["cluster_size"])
