"""Servers that cannot keep what they are given are refused, at the start and later, with a remedy."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError

from answerby.domain.errors import StoreUnavailable
from answerby.store.embedded import EmbeddedValkey, shipped_binary
from answerby.store.store import Store
from tests.kit.patience import wait_until
from tests.kit.processes import free_address, started

SLOTS = 16_384


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-ttl"])
async def test_a_server_that_evicts_keys(own_server: EmbeddedValkey, own_raw: Redis, policy: str) -> None:
    own_raw.config_set("maxmemory-policy", policy)
    with pytest.raises(StoreUnavailable, match=f"maxmemory-policy of the store is {policy}.* set it to noeviction"):
        await Store.connect(own_server.url)


async def test_a_cluster_of_one_master_is_a_store_and_of_two_is_not(masters: list[Redis], make_commit) -> None:
    first, second = masters
    port = first.connection_pool.connection_kwargs["port"]
    url = f"redis://127.0.0.1:{port}/0"
    first.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, SLOTS - 1)
    wait_until(lambda: "cluster_state:ok" in told(first, "INFO"), "the cluster of one is up")
    store = await Store.connect(url)
    assert (await store.requests.commit(make_commit())).number == "202310-CSR-001"

    other = told(second, "MYID")
    bus = second.config_get("cluster-port")["cluster-port"]
    first.execute_command("CLUSTER", "MEET", "127.0.0.1", second.connection_pool.connection_kwargs["port"], bus)
    wait_until(lambda: f"{other} " in told(first, "NODES"), "the masters have met")
    for node in masters:
        node.execute_command("CLUSTER", "SETSLOT", 0, "NODE", other)
    wait_until(lambda: "cluster_size:2" in told(first, "INFO"), "the cluster has two masters")
    with pytest.raises(StoreUnavailable, match="Redis Cluster of 2 masters, and answerby needs one master"):
        await Store.connect(url)
    await store.close()


def told(node: Redis, what: str) -> str:
    answer: Any = node.execute_command(f"CLUSTER {what}")
    if isinstance(answer, dict):
        return "\n".join(
            f"{name}:{value}" if what == "INFO" else f"{value.get('node_id')} " for name, value in answer.items()
        )
    return answer.decode() if isinstance(answer, bytes) else str(answer)


@pytest.fixture
def masters(tmp_path: Path, binary: Path | None) -> Iterator[list[Redis]]:
    """Two servers in cluster mode that do not know each other and hold no slots."""
    with ExitStack() as stack:
        nodes = []
        for name in ("first", "second"):
            folder = tmp_path / name
            folder.mkdir()
            port, bus = (free_address().rpartition(":")[2] for _ in range(2))
            options = ["--port", port, "--cluster-port", bus, "--bind", "127.0.0.1", "--dir", folder, "--save", ""]
            command = [binary or shipped_binary(), *options, "--cluster-enabled", "yes", "--appendonly", "yes"]
            stack.enter_context(started(command, stdout=subprocess.DEVNULL))
            node = stack.enter_context(Redis(port=int(port)))
            wait_until(lambda node=node: answers(node), "the node answers")
            nodes.append(node)
        yield nodes


def answers(node: Redis) -> bool:
    with contextlib.suppress(RedisError):
        return bool(node.ping())
    return False
