"""The file connector: whole lines, each effect once, whatever happened before."""

from __future__ import annotations

import asyncio
import json
import os

import pytest

from answerby.domain.effect import EffectKind
from answerby_connectors.file.connector import FileConnector
from answerby_connectors.kit.base import LEASE_OVER, Guarantee, InvalidSettings, OutcomeKind
from answerby_connectors.kit.registry import build_connector


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "effects.jsonl"


@pytest.fixture
def connector(path):
    return FileConnector("log", {"path": str(path), "fsync": False})


def lines(path):
    text = path.read_text()
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


async def test_writes_one_line_per_effect(connector, path, make_delivery):
    assert (await connector.deliver(make_delivery("aa" * 16))).kind is OutcomeKind.DONE
    assert (await connector.deliver(make_delivery("bb" * 16, kind=EffectKind.NOTIFY))).kind is OutcomeKind.DONE

    first, second = lines(path)
    assert (first["effect_id"], first["kind"], first["number"]) == ("aa" * 16, "update_request", "202601-CSR-001")
    assert first["payload"] == {"category": "complaint", "priority": "P0", "department": "vip"}
    assert (second["effect_id"], second["kind"]) == ("bb" * 16, "notify")


async def test_the_file_is_private(connector, path, make_delivery):
    await connector.deliver(make_delivery())
    assert path.stat().st_mode & 0o077 == 0


async def test_looks_before_it_writes_again_when_the_outcome_is_unknown(connector, path, make_delivery):
    await connector.deliver(make_delivery())
    outcome = await connector.deliver(make_delivery(attempt=2, previous_unknown=True))
    assert outcome.kind is OutcomeKind.DONE
    assert len(lines(path)) == 1


async def test_writes_nothing_once_the_lease_is_over(connector, path, make_delivery):
    """As after a freeze of the process: another worker may have written the line meanwhile."""
    outcome = await connector.deliver(make_delivery("aa" * 16, leased=lambda: False))
    assert outcome is LEASE_OVER
    assert path.read_text() == ""


async def test_an_effect_id_inside_a_payload_is_not_taken_for_the_effect(connector, path, make_delivery):
    await connector.deliver(make_delivery("aa" * 16, payload={"note": '{"effect_id":"' + "bb" * 16 + '",'}))
    await connector.deliver(make_delivery("bb" * 16, previous_unknown=True))
    assert [line["effect_id"] for line in lines(path)] == ["aa" * 16, "bb" * 16]


@pytest.mark.parametrize("keep", [1, 20, 100])
async def test_a_line_that_a_crash_cut_short_is_written_again_whole(connector, path, make_delivery, keep):
    await connector.deliver(make_delivery("aa" * 16))
    whole = path.stat().st_size
    await connector.deliver(make_delivery("bb" * 16))
    os.truncate(path, whole + keep)

    await connector.deliver(make_delivery("bb" * 16, attempt=2, previous_unknown=True))
    assert [line["effect_id"] for line in lines(path)] == ["aa" * 16, "bb" * 16]


async def test_a_line_that_lacks_only_its_newline_is_kept(connector, path, make_delivery):
    await connector.deliver(make_delivery("aa" * 16))
    os.truncate(path, path.stat().st_size - 1)
    await connector.deliver(make_delivery("aa" * 16, attempt=2, previous_unknown=True))
    assert [line["effect_id"] for line in lines(path)] == ["aa" * 16]


async def test_a_torn_line_longer_than_a_block_is_removed(connector, path, make_delivery):
    await connector.deliver(make_delivery("aa" * 16))
    with path.open("ab") as file:
        file.write(b'{"effect_id":"' + b"x" * 200_000)
    await connector.deliver(make_delivery("bb" * 16))
    assert [line["effect_id"] for line in lines(path)] == ["aa" * 16, "bb" * 16]


async def test_many_writers_never_mix_their_lines(path, make_delivery):
    writers = [FileConnector(f"w{i}", {"path": str(path), "fsync": False}) for i in range(4)]
    ids = [f"{i:032x}" for i in range(200)]
    payload = {"text": "长" * 3000}
    await asyncio.gather(
        *(writers[i % 4].deliver(make_delivery(effect, payload=payload)) for i, effect in enumerate(ids))
    )
    assert sorted(line["effect_id"] for line in lines(path)) == ids


async def test_a_folder_that_cannot_be_written_is_no_exception(tmp_path, make_delivery):
    (tmp_path / "file").write_text("")
    connector = FileConnector("log", {"path": str(tmp_path / "file" / "effects.jsonl")})
    outcome = await connector.deliver(make_delivery())
    assert outcome.kind is OutcomeKind.UNKNOWN
    assert "cannot write" in outcome.detail


def test_declares_what_it_guarantees(connector):
    assert connector.manifest.guarantee is Guarantee.EXACTLY_ONCE
    assert connector.manifest.effects == frozenset(EffectKind)
    assert not connector.manifest.inbound


def test_wrong_settings_are_named():
    with pytest.raises(InvalidSettings, match=r"connector 'log'[\s\S]*path: Field required[\s\S]*pfad: unknown key"):
        build_connector("log", "file", {"pfad": "x"})


def test_an_unknown_type_names_the_known_ones():
    with pytest.raises(InvalidSettings, match=r"no type 'fax'; the types are .*escalated, file, .*webhook"):
        build_connector("x", "fax", {})
