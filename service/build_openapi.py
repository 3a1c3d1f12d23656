"""Builds the OpenAPI 3.1 description of the calls over HTTP from proto/: run by build_api.py. Never edited.

The texts are the comments of the .proto files, and the paths their annotations `google.api.http`.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

PACKAGE = "answerby.v1"
VERBS = ("get", "post", "put", "patch", "delete")
TIMESTAMP, DURATION = ".google.protobuf.Timestamp", ".google.protobuf.Duration"
FACT = f".{PACKAGE}.FactValue"
STREAMED = {"WatchDecisions": "text/event-stream"}
"""What a stream is sent as by default. Others are lines of JSON."""
KEYED = ("SubmitEvent", "SubmitEvents")
"""The calls that take the header Idempotency-Key."""
DESCRIPTION = (
    "The gRPC contract of answerby as HTTP and JSON. Every method can also be called by its full name, as "
    "`POST /answerby.v1.RequestService/SubmitEvent` with the whole request as the body. A fact is written as what it "
    'is: "text", 5, 1.5, true, ["a"] or null. Whole numbers of 64 bits are texts, except facts; fields '
    "that are empty, 0 or false are left out."
)


def describe(source: Path, version: str) -> str:
    """The description as JSON. Raises RuntimeError when protoc refuses a file."""
    return json.dumps(_Description(_descriptors(source), version).document(), indent=1, ensure_ascii=False) + "\n"


def _descriptors(source: Path) -> Any:
    """The files with their comments."""
    from google.api import annotations_pb2  # noqa: F401, PLC0415 - the parser then knows the annotation
    from google.protobuf.descriptor_pb2 import FileDescriptorSet  # noqa: PLC0415
    from grpc_tools import protoc  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "set.binpb"
        arguments = ["protoc", f"-I{source}", f"-I{resources.files('grpc_tools') / '_proto'}", "--include_source_info"]
        arguments += [f"--descriptor_set_out={out}", *sorted(str(p) for p in (source / "answerby").rglob("*.proto"))]
        if protoc.main(arguments) != 0:
            raise RuntimeError("protoc refused a file in proto/, see above")
        return FileDescriptorSet.FromString(out.read_bytes())


class _Description:
    def __init__(self, files: Any, version: str) -> None:
        self._version = version
        self._services: list[tuple[Any, str, dict[int, str]]] = []
        self._messages: dict[str, Any] = {}
        self._enums: dict[str, Any] = {}
        self._texts: dict[str, str] = {}
        self._used: list[str] = []
        for file in files.file:
            comments = {tuple(place.path): _text(place.leading_comments) for place in file.source_code_info.location}
            prefix = f".{file.package}"
            for number, message in enumerate(file.message_type):
                self._add_message(message, f"{prefix}.{message.name}", (4, number), comments)
            for number, enum in enumerate(file.enum_type):
                self._enums[f"{prefix}.{enum.name}"] = enum
                self._texts[f"{prefix}.{enum.name}"] = _enum_text(enum, (5, number), comments)
            for number, service in enumerate(file.service):
                texts = {place: comments.get((6, number, 2, place), "") for place in range(len(service.method))}
                self._services.append((service, comments.get((6, number), ""), texts))

    def _add_message(self, message: Any, name: str, path: tuple[int, ...], comments: dict[Any, str]) -> None:
        self._messages[name] = message
        self._texts[name] = comments.get(path, "")
        for place, field in enumerate(message.field):
            self._texts[f"{name}.{field.name}"] = comments.get((*path, 2, place), "")
        for place, nested in enumerate(message.nested_type):
            self._add_message(nested, f"{name}.{nested.name}", (*path, 3, place), comments)
        for place, enum in enumerate(message.enum_type):
            self._enums[f"{name}.{enum.name}"] = enum
            self._texts[f"{name}.{enum.name}"] = _enum_text(enum, (*path, 4, place), comments)

    def document(self) -> dict[str, Any]:
        paths: dict[str, Any] = {}
        for service, _, texts in self._services:
            for place, method in enumerate(service.method):
                for verb, path, body in _rules(method):
                    paths.setdefault(path, {})[verb] = self._operation(service, method, texts[place], path, body)
        return {
            "openapi": "3.1.0",
            "info": {"title": "answerby", "version": self._version, "description": DESCRIPTION},
            "servers": [{"url": "/"}],
            "security": [{"token": []}, {}],
            "tags": [{"name": service.name, "description": text} for service, text, _ in self._services],
            "paths": paths,
            "components": {
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
                "schemas": {**self._schemas(), "Problem": PROBLEM},
                "responses": {"Problem": ERROR},
            },
        }

    def _operation(self, service: Any, method: Any, text: str, path: str, body: str) -> dict[str, Any]:
        request = self._messages[method.input_type]
        variables = re.findall(r"\{(\w+)\}", path)
        operation: dict[str, Any] = {
            "operationId": method.name,
            "tags": [service.name],
            "summary": text.split(". ", maxsplit=1)[0].rstrip("."),
            "description": text,
            "parameters": [self._path_parameter(method.input_type, name) for name in variables],
        }
        rest = [field for field in request.field if field.name not in variables]
        if body == "*":
            operation["requestBody"] = {
                "required": bool(rest),
                "content": {"application/json": {"schema": self._object(method.input_type, [f.name for f in rest])}},
            }
        elif body:
            field = next(field for field in request.field if field.name == body)
            operation["requestBody"] = {
                "required": True,
                "content": {"application/json": {"schema": self._field_schema(field)}},
            }
        if body != "*":
            operation["parameters"] += [
                self._parameter("query", method.input_type, field)
                for field in rest
                if field.name != body and (field.type != field.TYPE_MESSAGE or field.type_name in (TIMESTAMP, DURATION))
            ]
        if method.name in KEYED:
            operation["parameters"].append(KEY)
        kind = "application/json"
        if method.server_streaming:
            kind = STREAMED.get(method.name, "application/x-ndjson")
        schema: dict[str, Any] = {"type": "string"} if method.server_streaming else self._ref(method.output_type)
        answer = "A stream of " + method.output_type.rpartition(".")[2] if method.server_streaming else "The answer."
        if method.server_streaming:
            self._ref(method.output_type)
        operation["responses"] = {
            "200": {"description": answer, "content": {kind: {"schema": schema}}},
            "default": {"$ref": "#/components/responses/Problem"},
        }
        return operation

    def _path_parameter(self, message: str, name: str) -> dict[str, Any]:
        field = next(field for field in self._messages[message].field if field.name == name)
        return {**self._parameter("path", message, field), "required": True}

    def _parameter(self, place: str, message: str, field: Any) -> dict[str, Any]:
        schema = self._field_schema(field)
        return {
            "name": field.name,
            "in": place,
            "description": self._texts[f"{message}.{field.name}"],
            "schema": schema,
        }

    def _schemas(self) -> dict[str, Any]:
        """The schemas of everything that is used, and of what those use."""
        done: dict[str, Any] = {}
        while open_names := [name for name in dict.fromkeys(self._used) if _short(name) not in done]:
            for name in open_names:
                done[_short(name)] = self._schema(name)
        return dict(sorted(done.items()))

    def _schema(self, name: str) -> dict[str, Any]:
        if name == FACT:
            return {"description": self._texts[name], **FACT_SCHEMA}
        if name in self._enums:
            values = [value.name for value in self._enums[name].value]
            return {"description": self._texts[name], "type": "string", "enum": values}
        return {"description": self._texts[name], **self._object(name, [f.name for f in self._messages[name].field])}

    def _object(self, name: str, fields: list[str]) -> dict[str, Any]:
        properties = {}
        for field in self._messages[name].field:
            if field.name in fields:
                text = self._texts[f"{name}.{field.name}"]
                schema = self._field_schema(field)
                properties[field.name] = {**schema, "description": text} if text else schema
        return {"type": "object", "properties": properties, "additionalProperties": False}

    def _field_schema(self, field: Any) -> dict[str, Any]:
        if field.label != field.LABEL_REPEATED:
            return self._value(field)
        if field.type == field.TYPE_MESSAGE and self._messages_map(field):
            value = self._messages[field.type_name].field[1]
            return {"type": "object", "additionalProperties": self._value(value)}
        return {"type": "array", "items": self._value(field)}

    def _messages_map(self, field: Any) -> bool:
        message = self._messages.get(field.type_name)
        return message is not None and message.options.map_entry

    def _value(self, field: Any) -> dict[str, Any]:
        if field.type in (field.TYPE_MESSAGE, field.TYPE_ENUM):
            return WELL_KNOWN.get(field.type_name) or self._ref(field.type_name)
        return SCALARS[field.type]

    def _ref(self, name: str) -> dict[str, Any]:
        self._used.append(name)
        return _ref(_short(name))


def _rules(method: Any) -> Iterator[tuple[str, str, str]]:
    """Verb, path and body of every annotated way to call a method."""
    from google.api import annotations_pb2  # noqa: PLC0415

    rule = method.options.Extensions[annotations_pb2.http]
    for each in (rule, *rule.additional_bindings):
        verb = each.WhichOneof("pattern")
        if verb in VERBS:
            yield verb, getattr(each, verb), each.body


def _short(name: str) -> str:
    return name.removeprefix(f".{PACKAGE}.")


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _text(comment: str) -> str:
    """A comment as one paragraph."""
    return " ".join(line.strip() for line in comment.strip().splitlines())


def _enum_text(enum: Any, path: tuple[int, ...], comments: dict[Any, str]) -> str:
    values = [
        f"{value.name}: {text}"
        for place, value in enumerate(enum.value)
        if (text := comments.get((*path, 2, place), ""))
    ]
    return "\n".join([comments.get(path, ""), *values])


SCALARS: dict[int, dict[str, Any]] = {
    1: {"type": "number", "format": "double"},
    2: {"type": "number", "format": "float"},
    3: {"type": "string", "pattern": "^-?[0-9]+$", "format": "int64"},
    4: {"type": "string", "pattern": "^[0-9]+$", "format": "uint64"},
    5: {"type": "integer", "format": "int32"},
    8: {"type": "boolean"},
    9: {"type": "string"},
    12: {"type": "string", "contentEncoding": "base64"},
    13: {"type": "integer", "format": "uint32"},
}
WELL_KNOWN: dict[str, dict[str, Any]] = {
    TIMESTAMP: {"type": "string", "format": "date-time"},
    DURATION: {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?s$"},
}
FACT_SCHEMA: dict[str, Any] = {
    "type": ["string", "integer", "number", "boolean", "array", "null"],
    "items": {"type": "string"},
}
PROBLEM_TYPE = "application/problem+json"
PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "Problem details by RFC 9457. Programs branch on `reason`.",
    "required": ["type", "title", "status", "detail", "reason"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "The id of the call, which the log has too."},
        "reason": {"type": "string", "description": "See reasons.md."},
        "code": {"type": "string", "description": "The code that a gRPC caller gets."},
        "violations": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "description": {"type": "string"}},
            },
        },
        "findings": {"type": "array", "items": {"type": "string"}},
        "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
        "retry_after_seconds": {"type": "number"},
    },
}
ERROR: dict[str, Any] = {
    "description": "An error.",
    "content": {PROBLEM_TYPE: {"schema": _ref("Problem")}},
}
KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The id of the event, where it has none. A call that is sent again with its key is decided once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 256},
}
