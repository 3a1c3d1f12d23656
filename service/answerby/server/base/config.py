"""The configuration: one TOML file and `ANSWERBY_*` environment variables. Every key, unit and default is here.

A nested key is spelt with two underscores in the environment: `ANSWERBY_SERVER__WORKERS=4`. `REDIS_URL` stands for
`store.redis_url`. The environment outranks the file. An unknown key is an error that names the key.
"""

from __future__ import annotations

import contextlib
import ipaddress
import tomllib
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)

from answerby import native
from answerby.domain.effect import EffectKind
from answerby.domain.errors import AnswerbyError
from answerby.server.base.roles import Role
from answerby.store.safety.durability import Durability

ENV_PREFIX = "ANSWERBY_"
ENV_OF_OTHERS = frozenset({"ANSWERBY_CONFIG", "ANSWERBY_FAULT", "ANSWERBY_TARGET", "ANSWERBY_TOKEN", native.SWITCH})
"""Variables that the command line or the tests read. These variables are no configuration keys."""


class InvalidConfig(AnswerbyError):
    """The configuration is not valid."""

    reason = "INVALID_CONFIG"


def _from_text(value: object) -> object:
    """Parses lists and tables, which environment variables carry as JSON."""
    if isinstance(value, str) and value[:1] in "[{" and value:
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise ValueError(f"not valid JSON: {error}") from error
    return value


class Engine(StrEnum):
    """The matcher that decides. `shadow` runs both matchers, returns the reference's answer and counts differences."""

    DURABLE = "durable"
    REFERENCE = "reference"
    SHADOW = "shadow"


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Address(Section):
    """`host:port` in two parts. An IPv6 host stands in brackets."""

    host: str
    port: int = Field(ge=0, le=65535)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """True when only this machine can reach the address. A name other than localhost is not trusted."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def parse_address(value: object) -> object:
    """`host:port` to an Address. Raises ValueError when the port is missing or no number."""
    if value is None or isinstance(value, Address | dict):
        return value
    if not isinstance(value, str):
        raise ValueError(f"write it as host:port, such as 127.0.0.1:50051, not {value!r}")  # noqa: TRY004 - for pydantic
    host, colon, port = value.rpartition(":")
    if not colon or not port.isdigit() or not host:
        raise ValueError(f"write it as host:port, such as 127.0.0.1:50051, not {value!r}")
    return Address(host=host.removeprefix("[").removesuffix("]"), port=int(port))


def check_redis_url(value: str | None) -> str | None:
    """The URL. Raises ValueError for a URL that reaches no store.

    The message omits the URL, which may hold a password.
    """
    if value is None:
        return None
    message = "write it as redis://host:6379/0, rediss://host:6379/0 or unix:///path/to/socket?db=0"
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"redis", "rediss"} and parts.hostname and parts.port != 0
    except ValueError:
        raise ValueError(message) from None
    if not usable and not (parts.scheme == "unix" and parts.path):
        raise ValueError(message)
    return value


ListenAddress = Annotated[Address, BeforeValidator(parse_address)]


def parse_optional_address(value: object) -> object:
    """The address by `parse_address`. Empty text is no address."""
    return None if value == "" else parse_address(value)


OptionalAddress = Annotated[Address | None, BeforeValidator(parse_optional_address)]
RedisUrl = Annotated[str | None, AfterValidator(check_redis_url)]


class Limits(Section):
    """The limits of one worker."""

    message_bytes: int = Field(default=4 * 1024 * 1024, ge=1024, description="Largest gRPC message taken, bytes.")
    batch_events: int = Field(default=500, ge=1, le=500, description="Most events in one batch.")
    history_events: int = Field(default=100, ge=1, le=1000, description="Most earlier events in one Evaluate.")
    facts: int = Field(default=200, ge=1, description="Most facts in one event.")
    id_characters: int = Field(default=256, ge=16, description="Longest event id, source or request id, characters.")
    text_bytes: int = Field(default=262_144, ge=1024, description="Longest text of one fact, UTF-8 bytes.")
    list_items: int = Field(default=1000, ge=1, description="Most values in one list fact.")
    concurrent_calls: int = Field(default=1000, ge=1, description="Calls in progress in one worker; more are refused.")
    waiting_events: int = Field(
        default=20_000, ge=500, description="Events that wait to be decided in one worker; more are refused."
    )
    watchers: int = Field(default=100, ge=0, description="Watch streams in one worker; more are refused.")
    deadline_seconds: float = Field(
        default=30.0, gt=0, description="Deadline of a call that brings none, and the longest."
    )


class TokenConfig(Section):
    """The caller of a bearer token. Plain text names the tenant alone."""

    tenant: str = Field(
        default="", pattern=r"^[^{}]*$", description="The tenant whose requests it may use; empty: rules only."
    )
    name: str = Field(
        default="",
        pattern=r"^[\w.@ -]{0,64}$",
        description="Who that is, in the history of the rules; needed for any role but reader.",
    )
    roles: tuple[Role, ...] = Field(
        default=(Role.READER,), description="With the rules: reader, author, approver, operator."
    )

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: object) -> object:
        return {"tenant": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _named(self) -> Self:
        if not self.tenant and not self.roles:
            raise ValueError("a token needs a tenant, roles, or both")
        if not self.name and (not self.tenant or set(self.roles) - {Role.READER}):
            raise ValueError("a token with roles needs a name, which the history of the rules shows")
        return self


class ServerConfig(Section):
    """The gRPC server."""

    listen: ListenAddress = Field(
        default=Address(host="127.0.0.1", port=50051), description="host:port; port 0 picks a free one."
    )
    workers: int = Field(default=1, ge=1, le=256, description="Processes that share the port.")
    tls_cert: Path | None = Field(default=None, description="PEM certificate chain; with tls_key it turns TLS on.")
    tls_key: Path | None = Field(default=None, description="PEM private key.")
    tls_client_ca: Path | None = Field(
        default=None, description="PEM authorities; clients must then show a certificate."
    )
    tokens: Annotated[dict[str, TokenConfig], BeforeValidator(_from_text)] = Field(
        default_factory=dict,
        repr=False,
        description="Bearer token -> tenant, or a table as below. Without any, every call is the default tenant's.",
    )
    default_tenant: str = Field(
        default="default", pattern=r"^[^{}]+$", description="The tenant of calls when no tokens are set."
    )
    insecure_allow_remote: bool = Field(
        default=False,
        description="Listen beyond loopback without TLS and tokens all the same. Only behind a trusted proxy.",
    )
    reflection: bool = Field(default=True, description="Answer gRPC server reflection.")
    drain_seconds: float = Field(
        default=10.0, ge=0, description="How long calls in progress may go on after a stop signal."
    )
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key go together; set both or neither")
        if self.tls_client_ca is not None and self.tls_cert is None:
            raise ValueError("tls_client_ca needs tls_cert and tls_key")
        if any(len(token) < 16 for token in self.tokens):
            raise ValueError("a token has fewer than 16 characters; use a long random one")
        return self

    @property
    def tls(self) -> bool:
        return self.tls_cert is not None


class StoreConfig(Section):
    """The store of requests and decisions."""

    redis_url: RedisUrl = Field(
        default=None,
        repr=False,
        description="redis://, rediss:// or unix:// of a Redis >= 7.0 or Valkey; unset: an embedded Valkey.",
    )
    data_folder: Path = Field(
        default=Path(".answerby"), description="Folder of the embedded Valkey and the last good rules."
    )
    marks_folder: Path | None = Field(
        default=None,
        description="Folder of what callers were told, by which a store that went back is found out, so never restore "
        "it with the store; unset: beside the data folder, such as .answerby-marks.",
    )
    durability: Durability = Field(
        default=Durability.SERVER,
        description="An event is accepted once the store answers (server), or has synced it to disk (acknowledged).",
    )
    retention_days: float = Field(default=30.0, gt=0, description="How long the decision log can be watched, days.")
    idempotency_days: float = Field(
        default=7.0, ge=7, description="How long an event id is remembered, days; at least 7."
    )


class Approval(StrEnum):
    """Whether another person must agree before rules go live."""

    NONE = "none"
    REQUIRED = "required"


class RulesConfig(Section):
    """The rule files."""

    folder: Path | None = Field(
        default=None,
        description="Folder of the rule files; unset: rules beside the configuration file, else rules in the working "
        "folder, else the rules of the store go on.",
    )
    demo: bool = Field(
        default=False, description="Take the demo rules that ship. Refused where the store has had other rules."
    )
    engine: Engine = Field(default=Engine.DURABLE, description="Matcher: durable, reference or shadow.")
    watch: bool = Field(default=True, description="Put a change of the folder live without being asked.")
    settle_seconds: float = Field(
        default=0.3, ge=0.0, le=60.0, description="How long the folder must be still before a change of it is read."
    )
    approval: Approval = Field(
        default=Approval.NONE, description="none, or required: an approver other than the author must agree."
    )
    revisions_kept: int = Field(default=50, ge=5, le=1000, description="Revisions that the store keeps.")
    prepare_seconds: float = Field(
        default=10.0, ge=0.0, le=300.0, description="How long an activation waits for every worker to be ready."
    )


class TimersConfig(Section):
    """Timers that an outage left behind. Each timer fires once and in order, however late."""

    catch_up_limit: int = Field(
        default=3,
        ge=0,
        description="Missed reminders of a request still sent one by one; more are put into one notice for each role.",
    )
    catch_up_after_seconds: float = Field(
        default=3600.0, ge=1.0, description="How late a timer must be for its reminder to count as missed."
    )


class HttpConfig(Section):
    """The HTTP port for incoming webhooks, and for calls as HTTP and JSON."""

    listen: OptionalAddress = Field(default=None, description="host:port of POST /hook/<connector>; unset: none.")
    api: bool = Field(
        default=False, description="Answer the calls of gRPC here too, as HTTP and JSON; /openapi.json lists them."
    )
    tls: bool = Field(
        default=False, description="Speak TLS here, by server.tls_cert, server.tls_key and server.tls_client_ca."
    )
    body_bytes: int = Field(default=1024 * 1024, ge=1024, description="Largest webhook body taken, bytes.")


class MetricsConfig(Section):
    """The Prometheus metrics."""

    listen: OptionalAddress = Field(
        default=Address(host="127.0.0.1", port=9464), description="host:port of GET /metrics; empty: none."
    )


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogConfig(Section):
    """The log: JSON lines on standard error."""

    level: LogLevel = Field(default=LogLevel.INFO, description="debug, info, warning or error.")


class Enabled(StrEnum):
    """Whether a connector works. Plain true is on, and plain false is off."""

    ON = "on"
    PAUSED = "paused"
    """Effects are queued and wait. Events come in."""
    OFF = "off"
    """Effects are neither delivered nor queued, and no event comes in."""


def _enabled(value: object) -> object:
    words = {True: Enabled.ON, False: Enabled.OFF, "true": Enabled.ON, "false": Enabled.OFF}
    return words.get(value, value) if isinstance(value, bool | str) else value


class DeliveryConfig(Section):
    """The limits of the deliveries to one platform."""

    concurrency: int = Field(default=8, ge=1, le=100, description="Most deliveries at a time in one worker.")
    per_second: float = Field(
        default=0.0, ge=0.0, description="Most deliveries that begin in a second, of all workers together; 0: no limit."
    )
    per_minute: float = Field(
        default=0.0, ge=0.0, description="Most deliveries that begin in a minute, of all workers together; 0: no limit."
    )
    attempts: int = Field(default=20, ge=1, description="An effect is given up after so many attempts, if also old.")
    longest_age_seconds: float = Field(
        default=86_400.0, ge=0.0, description="Age from which an effect is given up after its attempts."
    )
    lease_seconds: float = Field(
        default=30.0, ge=3.0, le=3600.0, description="How long a worker that died keeps others from its effect."
    )
    attempt_seconds: float = Field(
        default=120.0, gt=0.0, le=3600.0, description="Longest time of one attempt; then its outcome is unknown."
    )
    held_probe_seconds: float = Field(
        default=300.0, ge=1.0, description="Interval of single attempts while the platform refuses the connector."
    )


class ConnectorConfig(Section):
    """One connected platform."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$", description="Its name; also in /hook/<name>.")
    type: str = Field(description="Kind of connector, such as file or webhook.")
    sources: tuple[str, ...] = Field(
        default=(),
        description="Event sources whose requests are written back here, with all below each: crm/desk takes "
        "crm/desk/x, not crm/desk2; * means all.",
    )
    effects: tuple[EffectKind, ...] = Field(
        default=(), description="Other effects it takes: notify, create_task, open_case."
    )
    tenant: str = Field(
        default="",
        pattern=r"^[^{}]*$",
        description="Its one tenant: it takes the effects and brings the events of no other; empty: the default one.",
    )
    account: str = Field(
        default="",
        description="Id of the account that it writes with, as actor_id of events names it; empty: the connector says.",
    )
    enabled: Annotated[Enabled, BeforeValidator(_enabled)] = Field(
        default=Enabled.ON,
        description="true; paused: effects are queued and wait; off: they are neither delivered nor queued.",
    )
    settings: dict[str, Any] = Field(
        default_factory=dict,
        description="What the connector itself needs; for a setting token, token_file names a file that holds it "
        "(read again when it changes), and token_env an environment variable.",
    )
    delivery: DeliveryConfig = DeliveryConfig()
    problem: str = ""
    """Why it is disabled although it was configured; not for people to set. Workers get it from their supervisor."""

    @property
    def queues(self) -> bool:
        """Whether effects are queued for it."""
        return self.enabled is not Enabled.OFF

    @field_validator("sources")
    @classmethod
    def _paths(cls, sources: tuple[str, ...]) -> tuple[str, ...]:
        for source in sources:
            if not source.strip("/"):
                raise ValueError("a source is empty; write * for all sources")
            if "*" in source and source != "*":
                raise ValueError(f"{source}: * stands alone; write {source.split('*')[0] or 'crm/'} for all below it")
        return sources


def _alone(value: object, check: ValidatorFunctionWrapHandler) -> object:
    """The connector. One with a wrong value is disabled alone, as long as its name and its type are known."""
    try:
        return check(value)
    except ValidationError as error:
        if not isinstance(value, dict):
            raise
        wrong = {str(item["loc"][0]) for item in error.errors() if item["loc"]}
        if not wrong or wrong & {"name", "type"}:
            raise
        lines = list(_lines(error))
        routes = {"sources", "effects"}
        kept = {name: given for name, given in value.items() if name not in wrong}
        if "tenant" in wrong or not wrong <= set(ConnectorConfig.model_fields):
            # An unknown key may be the tenant misspelt, and what is queued would be another company's.
            kept = {name: given for name, given in kept.items() if name not in routes}
            lines.append("nothing is queued for it meanwhile")
        else:
            kept |= {name: _good(name, value[name]) for name in wrong & routes}
        return check({**kept, "problem": "; ".join(lines)})


def _good(name: str, given: object) -> list[object]:
    """The members of a list that are right. What is meant for the connector is queued by them."""
    good: list[object] = []
    for member in given if isinstance(given, list | tuple) else ():
        with contextlib.suppress(ValidationError):
            ConnectorConfig.model_validate({"name": "a", "type": "a", name: [member]})
            good.append(member)
    return good


class Config(Section):
    """All settings."""

    server: ServerConfig = ServerConfig()
    store: StoreConfig = StoreConfig()
    rules: RulesConfig = RulesConfig()
    timers: TimersConfig = TimersConfig()
    http: HttpConfig = HttpConfig()
    metrics: MetricsConfig = MetricsConfig()
    log: LogConfig = LogConfig()
    connectors: Annotated[
        tuple[Annotated[ConnectorConfig, WrapValidator(_alone)], ...], BeforeValidator(_from_text)
    ] = ()

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        server = self.server
        guarded = server.tls and bool(server.tokens)
        if not (server.listen.loopback or guarded or server.insecure_allow_remote):
            raise ValueError(
                f"server.listen {server.listen} can be reached from outside without TLS and tokens: set "
                "server.tls_cert, server.tls_key and server.tokens, listen on 127.0.0.1, "
                "or set server.insecure_allow_remote"
            )
        if self.rules.approval is Approval.REQUIRED and not any(
            Role.APPROVER in token.roles for token in server.tokens.values()
        ):
            raise ValueError("rules.approval is required, but no token in server.tokens has the role approver")
        self._check_http()
        names = [connector.name for connector in self.connectors]
        if len(set(names)) != len(names):
            raise ValueError("two connectors have the same name; a name must be unique")
        return self

    def _check_http(self) -> None:
        """Raises ValueError for calls over HTTP that anybody on the network could make or read."""
        http, server = self.http, self.server
        if http.tls and not server.tls:
            raise ValueError("http.tls needs server.tls_cert and server.tls_key")
        if not http.api:
            return
        if http.listen is None:
            raise ValueError("http.api needs http.listen, such as 127.0.0.1:8080")
        guarded = http.tls and bool(server.tokens)
        if not (http.listen.loopback or guarded or server.insecure_allow_remote):
            raise ValueError(
                f"http.listen {http.listen} can be reached from outside, so http.api needs server.tokens and http.tls; "
                "or listen on 127.0.0.1, or set server.insecure_allow_remote behind a trusted proxy"
            )

    @property
    def routes(self) -> tuple[ConnectorConfig, ...]:
        """The connectors, each with the name of its tenant."""
        default = self.server.default_tenant
        return tuple(entry.model_copy(update={"tenant": entry.tenant or default}) for entry in self.connectors)


def load_config(path: Path | None, environ: Mapping[str, str]) -> Config:
    """The configuration from an optional file and the environment.

    Raises InvalidConfig. The message names every wrong key and its remedy.
    """
    values = _read_toml(path) if path is not None else {}
    _overlay(values, environ)
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise InvalidConfig(_describe(error, path)) from error


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidConfig(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidConfig(f"{path} is not valid TOML: {error}") from error


def _overlay(values: dict[str, Any], environ: Mapping[str, str]) -> None:
    if url := environ.get("REDIS_URL"):
        _put(values, ["store", "redis_url"], url)
    for name in sorted(environ):
        if name.startswith(ENV_PREFIX) and name not in ENV_OF_OTHERS:
            _put(values, name.removeprefix(ENV_PREFIX).lower().split("__"), environ[name])


def _put(values: dict[str, Any], keys: list[str], text: str) -> None:
    section = values
    for key in keys[:-1]:
        inner = section.setdefault(key, {})
        if not isinstance(inner, dict):
            raise InvalidConfig(f"{ENV_PREFIX}{'__'.join(keys).upper()}: {key} is not a section")
        section = inner
    section[keys[-1]] = _typed(keys, text)


def _typed(keys: list[str], text: str) -> object:
    """The value of a variable. An empty variable unsets an address. `sources` and `effects` lists are JSON."""
    if text == "" and keys[-1] in {"listen", "redis_url", "tls_cert", "tls_key", "tls_client_ca"}:
        return None
    return text


def _describe(error: ValidationError, path: Path | None) -> str:
    return "\n  ".join([f"the configuration{f' ({path})' if path else ''} is not valid:", *_lines(error)])


def _lines(error: ValidationError) -> Iterator[str]:
    """What is wrong, with the key."""
    for item in error.errors(include_url=False, include_input=False):
        key = ".".join(str(part) for part in item["loc"])
        message = "unknown key" if item["type"] == "extra_forbidden" else item["msg"].removeprefix("Value error, ")
        yield f"{key}: {message}" if key else message


def reference(model: type[BaseModel] = Config, prefix: str = "") -> list[tuple[str, str, str]]:
    """Every key with its default and its meaning, for the configuration page."""
    rows: list[tuple[str, str, str]] = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Section) and inner is not Address:
            rows += reference(inner, f"{prefix}{name}.")
        elif name == "problem":
            continue
        elif name == "connectors":
            rows += reference(ConnectorConfig, "connectors[].")
        elif name == "tokens":
            rows.append((f"{prefix}{name}", "", field.description or ""))
            rows += reference(TokenConfig, "server.tokens[].")
        else:
            default = "required" if field.is_required() else str(field.get_default(call_default_factory=True))
            rows.append((f"{prefix}{name}", default, field.description or ""))
    return rows
