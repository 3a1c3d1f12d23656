"""Secrets of connectors that are in files or in environment variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from answerby_connectors.kit.base import InvalidSettings, Settings, parse_settings
from answerby_connectors.kit.secret_places import LARGEST, secret_files


class Desk(Settings):
    url: str = ""
    token: str = ""
    secrets: tuple[str, ...] = ()
    cert_file: str = ""


def test_a_value_is_taken_from_a_file_or_a_variable(tmp_path, monkeypatch):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("first\n")
    two.write_text("  second\n")
    monkeypatch.setenv("DESK_URL", "https://desk.example")
    places = {"token_file": str(one), "secrets_file": [str(one), str(two)], "url_env": "DESK_URL"}
    parsed = parse_settings(Desk, "desk", places)
    assert parsed == Desk(url="https://desk.example", token="first", secrets=("first", "second"))
    assert list(secret_files(places)) == [one, one, two]


def test_a_setting_whose_own_name_ends_so_is_left_alone():
    assert parse_settings(Desk, "desk", {"cert_file": "/etc/cert"}).cert_file == "/etc/cert"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory"),
        (b" \n", "is empty"),
        (b"\xff", "is no UTF-8 text"),
        (b"x" * (LARGEST + 1), "too long"),
    ],
    ids=["missing", "empty", "bytes", "huge"],
)
def test_a_file_without_a_secret_is_named_with_the_connector_and_the_key(tmp_path: Path, content, reason):
    place = tmp_path / "secret"
    if content is not None:
        place.write_bytes(content)
    with pytest.raises(InvalidSettings, match=reason) as caught:
        parse_settings(Desk, "desk", {"token_file": str(place)})
    assert "connector 'desk'" in caught.value.message
    assert f"token_file: {'cannot read ' if content is None else ''}{place}" in caught.value.message


def test_a_missing_variable_a_value_in_two_places_and_another_form_are_refused(monkeypatch):
    monkeypatch.delenv("NO_SUCH_VARIABLE", raising=False)
    for values, reason in (
        ({"token_env": "NO_SUCH_VARIABLE"}, "token_env: the environment variable NO_SUCH_VARIABLE is not set"),
        ({"token": "s3cret", "token_env": "HOME"}, "token_env: token is set in two places"),
        ({"token_file": 7}, "token_file: must be a name, or a list of names"),
        ({"colour_file": "/etc/hosts"}, "colour_file: unknown key"),
    ):
        with pytest.raises(InvalidSettings, match=reason) as caught:
            parse_settings(Desk, "desk", values)
        assert "s3cret" not in caught.value.message
