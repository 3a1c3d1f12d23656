"""Paths of the methods: by their annotation `google.api.http`, and every method by its full name too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from google.api import annotations_pb2  # type: ignore[import-untyped]
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

VERBS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Binding:
    """One way to call a method over HTTP."""

    method: MethodDescriptor
    verb: str
    """Upper case."""
    segments: tuple[str, ...]
    """Literal texts, and fields of the request in braces."""
    body: str
    """The field of the request that the body is; `*`: the request itself, empty: there is no body."""

    @property
    def full_name(self) -> str:
        """As gRPC names the method: /answerby.v1.RequestService/SubmitEvent."""
        return f"/{self.method.containing_service.full_name}/{self.method.name}"

    @property
    def path(self) -> str:
        return "/" + "/".join(self.segments)

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(segment[1:-1] for segment in self.segments if _is_variable(segment))

    def match(self, segments: Sequence[str]) -> dict[str, str] | None:
        """The values of the variables, when the path is one of this binding. `segments` are still percent-encoded."""
        if len(segments) != len(self.segments):
            return None
        found = {}
        for ours, theirs in zip(self.segments, segments, strict=True):
            if _is_variable(ours):
                found[ours[1:-1]] = unquote(theirs)
            elif ours != unquote(theirs):
                return None
        return found


def bindings_of(services: Iterable[ServiceDescriptor]) -> list[Binding]:
    """Every way to call the methods: the annotated paths first, then the full names."""
    methods = [method for service in services for method in service.methods]
    return [*(binding for method in methods for binding in annotated(method)), *map(by_name, methods)]


def annotated(method: MethodDescriptor) -> Iterator[Binding]:
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    for each in (rule, *rule.additional_bindings):
        verb = each.WhichOneof("pattern")
        if verb in VERBS:
            yield Binding(method, verb.upper(), tuple(getattr(each, verb).strip("/").split("/")), each.body)


def by_name(method: MethodDescriptor) -> Binding:
    return Binding(method, "POST", (method.containing_service.full_name, method.name), "*")


class Routes:
    """Finds the binding of a call."""

    def __init__(self, bindings: Sequence[Binding]) -> None:
        self._by_length: dict[int, list[Binding]] = {}
        for binding in bindings:
            self._by_length.setdefault(len(binding.segments), []).append(binding)

    def find(self, verb: str, raw_path: str) -> tuple[Binding, Mapping[str, str]] | set[str]:
        """The binding with its variables; else the verbs that the path takes, none for an unknown path.

        A path with more literal segments wins.
        """
        segments = raw_path.strip("/").split("/")
        found = [
            (len(binding.variables), binding, values)
            for binding in self._by_length.get(len(segments), [])
            if (values := binding.match(segments)) is not None
        ]
        fitting = [each for each in found if each[1].verb == verb]
        if not fitting:
            return {binding.verb for _, binding, _ in found}
        _, binding, values = min(fitting, key=lambda each: each[0])
        return binding, values


def _is_variable(segment: str) -> bool:
    return segment.startswith("{")


def handlers_of(register: Callable[[Any], None]) -> Mapping[str, Any]:
    """The gRPC handlers by the full names of their methods. `register` registers servicers with a server."""
    collector = _Collector()
    register(collector)
    return collector.handlers


class _Collector:
    """Stands in for a server, and keeps what is registered."""

    def __init__(self) -> None:
        self.handlers: dict[str, Any] = {}

    def add_generic_rpc_handlers(self, _handlers: Any) -> None:
        return None

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        self.handlers |= {f"/{service}/{name}": handler for name, handler in handlers.items()}
