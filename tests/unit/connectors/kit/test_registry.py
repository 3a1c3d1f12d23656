"""Connectors of other packages: found by their entry point, and refused with a way out when they are broken."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from answerby_connectors.kit.base import InvalidSettings, Outcome
from answerby_connectors.kit.registry import build_connector, connector_types

DESK = """
from answerby.domain.effect import EffectKind
from answerby_connectors.kit.base import DONE, Guarantee, Manifest, Settings, parse_settings


class DeskSettings(Settings):
    region: str


class Desk:
    def __init__(self, name, settings):
        self.settings = parse_settings(DeskSettings, name, settings)
        self.manifest = Manifest(name, frozenset(EffectKind), Guarantee.AT_LEAST_ONCE, False, "A desk.")

    async def deliver(self, delivery):
        return DONE

    async def close(self):
        return None


class NoConnector:
    def __init__(self, name, settings):
        self.manifest = None


def takes_one(name):
    return None
"""

MODEL = "\nclass Model(pydantic.BaseModel):\n    token: int\n"

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a distribution as pip does: its module and its .dist-info on the path of this Python."""
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def install(distribution: str, entry: str, code: str = DESK) -> None:
        module = distribution.replace("-", "_")
        (site / f"{module}.py").write_text(code)
        info = site / f"{module}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[answerby.connectors]\n{entry}\n")
        monkeypatch.delitem(sys.modules, module, raising=False)

    return install


async def test_a_connector_of_another_package_is_built_and_delivers(install, make_delivery):
    install("acme-desk", "acme = acme_desk:Desk")
    assert set(connector_types()) >= {"acme", "escalated", "file", "webhook"}
    desk = build_connector("ours", "acme", {"region": "eu"})
    assert desk.manifest.name == "ours"
    assert await desk.deliver(make_delivery()) == Outcome("done")
    await desk.close()


def test_its_settings_are_checked_like_ours(install):
    install("acme-desk", "acme = acme_desk:Desk")
    with pytest.raises(
        InvalidSettings, match=r"connector 'ours'[\s\S]*region: Field required[\s\S]*place: unknown key"
    ):
        build_connector("ours", "acme", {"place": "eu"})


def test_an_unknown_type_names_the_known_ones_and_the_way_to_others(install):
    install("acme-desk", "acme = acme_desk:Desk")
    with pytest.raises(
        InvalidSettings, match=r"'fax'; the types are acme, .*escalated, file, .*webhook.*\. A package .* must be"
    ):
        build_connector("ours", "fax", {})


@pytest.mark.parametrize(
    ("entry", "code", "reason"),
    [
        ("acme = acme_desk:Missing", DESK, "AttributeError: "),
        ("acme = acme_desk_elsewhere:Desk", DESK, "ModuleNotFoundError: No module named 'acme_desk_elsewhere'"),
        (
            "acme = acme_desk:Desk",
            "import a_package_that_is_missing",
            "ModuleNotFoundError: No module named 'a_package",
        ),
        ("acme = acme_desk:Desk", "def broken(:", "SyntaxError: "),
        ("acme = acme_desk:Desk", "raise RuntimeError('needs Windows')", "RuntimeError at acme_desk.py, line 1"),
    ],
    ids=["no such object", "no such module", "a missing dependency", "a syntax error", "an error of its own"],
)
def test_one_that_cannot_be_loaded_names_its_package_and_a_way_out(install, entry, code, reason):
    install("acme-desk", entry, code)
    with pytest.raises(InvalidSettings) as raised:
        build_connector("ours", "acme", {"region": "eu"})
    value = entry.partition(" = ")[2]
    assert raised.value.message.startswith(
        f"connector 'ours': type 'acme' of acme-desk 1.2 ({value}) cannot be loaded ({reason}"
    )
    assert raised.value.message.endswith("; install a version that works here")


def test_what_does_not_take_a_name_and_settings_is_refused(install):
    install("acme-desk", "acme = acme_desk:takes_one")
    with pytest.raises(
        InvalidSettings, match=r"acme-desk 1\.2 .* does not take a name and settings .*kit\.base\.Connector"
    ):
        build_connector("ours", "acme", {})


def test_what_builds_no_connector_is_refused(install):
    install("acme-desk", "acme = acme_desk:NoConnector")
    with pytest.raises(InvalidSettings, match=r"has no deliver, close; see answerby_connectors\.kit\.base\.Connector"):
        build_connector("ours", "acme", {})


FAULTS = {
    "of its own": ("    raise RuntimeError(f'no desk for {settings}')", "RuntimeError at acme_desk.py, line 4)"),
    "of the library below it": ("    return json.loads(settings['token'])", "JSONDecodeError at acme_desk.py, line 4)"),
    "of a check that shows its input": ("    return Model(token=settings['token'])", "ValidationError at acme_desk.py"),
}


@pytest.mark.parametrize(("line", "told"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_of_its_building_is_told_with_its_package_and_place_but_not_its_text(install, line, told):
    install(
        "acme-desk", "acme = acme_desk:Desk", "import json\nimport pydantic\ndef Desk(name, settings):\n" + line + MODEL
    )
    with pytest.raises(InvalidSettings, match=r"^connector 'ours': type 'acme' of acme-desk 1\.2 ") as raised:
        build_connector("ours", "acme", {"token": "hush-hush"})
    assert told in raised.value.message
    assert "hush" not in raised.value.message


@pytest.mark.parametrize(
    ("type_", "settings", "told"),
    [
        ("webhook", {"url": "https://example.org", "secrets": ["whsec_%"]}, "a webhook secret must be"),
        ("webhook", {"url": "ftp://example.org", "secrets": [f"whsec_{'A' * 40}"]}, "a URL must start with"),
        ("escalated", {"url": "ftp://example.org", "token": "t"}, "a URL must start with"),
        (
            "escalated",
            {"url": "https://example.org", "token": "t", "authorities": "/none.pem"},
            "authorities: no certificates",
        ),
        ("escalated", {"url": "https://example.org"}, "token: Field required"),
    ],
)
def test_a_wrong_setting_is_told_with_the_name_of_the_connector(type_, settings, told):
    with pytest.raises(InvalidSettings) as raised:
        build_connector("ours", type_, settings)
    assert "connector 'ours'" in raised.value.message
    assert told in raised.value.message


def test_a_type_that_two_packages_register_is_refused_and_the_others_work(install, tmp_path):
    install("acme-desk", "file = acme_desk:Desk")
    with pytest.raises(
        InvalidSettings, match=r"by acme-desk 1\.2 \(acme_desk:Desk\) and answerby .*; uninstall all but one"
    ):
        build_connector("ours", "file", {"path": str(tmp_path / "effects.jsonl")})
    assert build_connector("ours", "webhook", {"url": "https://example.org", "secrets": [f"whsec_{'A' * 40}"]})
