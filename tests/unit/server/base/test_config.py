"""The configuration: file and environment, every wrong key named."""

from __future__ import annotations

from pathlib import Path

import pytest

from answerby.server.base.config import Config, InvalidConfig, load_config, reference

EXAMPLE = """
[server]
listen = "127.0.0.1:7000"
workers = 3

[rules]
engine = "shadow"

[[connectors]]
name = "audit"
type = "file"
sources = ["crm/"]
effects = ["notify", "open_case"]
settings = {path = "out.jsonl"}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "answerby.toml"
    path.write_text(EXAMPLE, "utf-8")
    return path


def test_defaults_need_no_file():
    config = load_config(None, {})
    assert str(config.server.listen) == "127.0.0.1:50051"
    assert config.store.redis_url is None
    assert config.rules.engine == "durable"


def test_the_environment_outranks_the_file(file):
    environ = {
        "ANSWERBY_SERVER__WORKERS": "5",
        "ANSWERBY_SERVER__LIMITS__WATCHERS": "7",
        "ANSWERBY_METRICS__LISTEN": "",
        "REDIS_URL": "redis://store:6379/0",
        "HOME": "/",
    }
    config = load_config(file, environ)
    assert (config.server.workers, config.server.limits.watchers) == (5, 7)
    assert str(config.server.listen) == "127.0.0.1:7000"
    assert config.store.redis_url == "redis://store:6379/0"
    assert config.metrics.listen is None
    assert [(c.name, list(c.effects)) for c in config.connectors] == [("audit", ["notify", "open_case"])]


@pytest.mark.parametrize(
    "url",
    ["redis://h", "redis://:p%40ss@h:6379/0", "rediss://u:p@h:1/2?ssl_cert_reqs=none", "redis://[::1]:6379",
     "unix:///run/redis.sock?db=0", "unix://user@/run/redis.sock"],
)  # fmt: skip
def test_urls_of_stores(url):
    assert load_config(None, {"REDIS_URL": url}).store.redis_url == url


def test_a_store_url_that_is_refused_is_not_quoted():
    with pytest.raises(InvalidConfig) as caught:
        load_config(None, {"REDIS_URL": "redi://:hush@store"})
    assert "hush" not in caught.value.message


def test_a_table_in_the_environment_is_json():
    tokens = '{"a-long-random-token": "one"}'
    (token,) = load_config(None, {"ANSWERBY_SERVER__TOKENS": tokens}).server.tokens.items()
    assert (token[0], token[1].tenant, token[1].roles) == ("a-long-random-token", "one", ("reader",))


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"ANSWERBY_SERVER__WORKRES": "2"}, "server.workres: unknown key"),
        ({"ANSWERBY_NO_SUCH": "2"}, "no_such: unknown key"),
        ({"ANSWERBY_SERVER__WORKERS": "many"}, "server.workers"),
        ({"ANSWERBY_SERVER__LISTEN": "50051"}, "write it as host:port"),
        ({"ANSWERBY_RULES__ENGINE": "fast"}, "rules.engine"),
        ({"ANSWERBY_SERVER__TLS_CERT": "/x"}, "tls_cert and tls_key go together"),
        ({"ANSWERBY_SERVER__TOKENS": '{"short": "one"}'}, "fewer than 16 characters"),
        ({"ANSWERBY_SERVER__TOKENS": "{"}, "not valid JSON"),
        ({"ANSWERBY_STORE__IDEMPOTENCY_DAYS": "1"}, "store.idempotency_days"),
        ({"ANSWERBY_CONNECTORS": '[{"name":"A b","type":"file"}]'}, "connectors.0.name"),
        ({"ANSWERBY_CONNECTORS": '[{"name":"a"}]'}, "connectors.0.type"),
        ({"ANSWERBY_CONNECTORS": '["a"]'}, "connectors.0"),
        ({"ANSWERBY_SERVER__DEFAULT_TENANT": "{}"}, "server.default_tenant"),
        ({"ANSWERBY_HTTP__API": "true"}, "http.api needs http.listen"),
        ({"ANSWERBY_HTTP__TLS": "true"}, "http.tls needs server.tls_cert"),
        ({"ANSWERBY_HTTP__API": "true", "ANSWERBY_HTTP__LISTEN": "0.0.0.0:8080"}, "http.api needs server.tokens"),
        ({"REDIS_URL": "localhost:6379"}, "store.redis_url: write it as redis://"),
        ({"REDIS_URL": "http://localhost:6379"}, "store.redis_url: write it as redis://"),
        ({"REDIS_URL": "redis://localhost:many"}, "store.redis_url: write it as redis://"),
        ({"REDIS_URL": "unix://"}, "store.redis_url: write it as redis://"),
    ],
)
def test_what_is_wrong_is_named(environ, named):
    with pytest.raises(InvalidConfig, match="not valid") as caught:
        load_config(None, environ)
    assert named in caught.value.message


def test_every_wrong_key_of_a_file_is_named_at_once(file):
    file.write_text(EXAMPLE + "colour = 1\n[http]\nlisten = 8\nport = 1\n", "utf-8")
    with pytest.raises(InvalidConfig) as caught:
        load_config(file, {})
    for key in ("http.listen", "http.port: unknown key"):
        assert key in caught.value.message


GOOD = {"name": "good", "type": "file", "sources": ["crm"]}


@pytest.mark.parametrize(
    ("wrong", "problem", "sources", "effects"),
    [
        ({"sources": ["crm/*", "web"]}, "sources: Value error", ("web",), ("notify",)),
        ({"sources": ["/"]}, "write * for all sources", (), ("notify",)),
        ({"sources": 3}, "sources: ", (), ("notify",)),
        ({"effects": ["shout", "open_case"]}, "effects.0: ", ("crm",), ("open_case",)),
        ({"enabled": "perhaps"}, "enabled: ", ("crm",), ("notify",)),
        ({"delivery": {"concurrency": 0}}, "delivery.concurrency: ", ("crm",), ("notify",)),
        ({"delivery": {"colour": 0}}, "delivery.colour: unknown key", ("crm",), ("notify",)),
        ({"settings": "x"}, "settings: ", ("crm",), ("notify",)),
        # Whose effects they are is not sure.
        ({"tenant": "a{b}"}, "nothing is queued for it meanwhile", (), ()),
        ({"tennant": "acme"}, "tennant: unknown key; nothing is queued for it meanwhile", (), ()),
    ],
)
def test_a_wrong_value_of_one_connector_disables_it_alone(wrong, problem, sources, effects):
    bad = {"name": "bad", "type": "file", "sources": ["crm"], "effects": ["notify"], **wrong}
    config = Config.model_validate({"connectors": [GOOD, bad]})
    # Workers get the configuration from their supervisor as JSON.
    for good, disabled in (config.connectors, Config.model_validate_json(config.model_dump_json()).connectors):
        assert (good.problem, good.sources) == ("", ("crm",))
        assert problem.removeprefix("sources: Value error") in disabled.problem
        assert (disabled.name, disabled.sources, disabled.effects, disabled.tenant) == ("bad", sources, effects, "")


@pytest.mark.parametrize("text", ["[server", "\xff\xfe"])
def test_a_file_that_is_no_toml_is_said(file, text):
    file.write_text(text, "latin-1")
    with pytest.raises(InvalidConfig, match=r"answerby\.toml"):
        load_config(file, {})


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(InvalidConfig, match="cannot read"):
        load_config(tmp_path / "none.toml", {})


def test_connectors_have_names_of_their_own():
    twice = [{"name": "a", "type": "file"}, {"name": "a", "type": "webhook"}]
    with pytest.raises(ValueError, match="same name"):
        Config.model_validate({"connectors": twice})


def test_secrets_are_not_shown():
    config = load_config(
        None, {"REDIS_URL": "redis://:hush@store", "ANSWERBY_SERVER__TOKENS": '{"hush-hush-hush-hush": "one"}'}
    )
    assert "hush" not in repr(config)


def test_every_key_is_in_the_reference_with_its_meaning():
    rows = reference()
    assert {"server.listen", "server.limits.facts", "store.redis_url", "connectors[].sources"} <= {r[0] for r in rows}
    assert all(meaning for _, _, meaning in rows)


@pytest.mark.parametrize("section", ["metrics", "http"])
def test_an_empty_address_is_none(section):
    config = load_config(None, {f"ANSWERBY_{section.upper()}__LISTEN": ""})
    assert getattr(config, section).listen is None
