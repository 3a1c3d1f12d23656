"""The calls over HTTP. A call goes the way of one of gRPC: the same credentials, limits, deadlines, errors, counts."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, MutableMapping
from typing import Any

import orjson
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from answerby.domain.errors import AnswerbyError, FieldViolation, InvalidInput
from answerby.server.rest.bindings import Binding, Routes, bindings_of
from answerby.server.rest.context import Aborted, HttpContext
from answerby.server.rest.json_messages import fill, parameter, plain
from answerby.server.rest.problems import (
    BodyTooLarge,
    MethodNotAllowed,
    NotJson,
    UnknownPath,
    problem_of,
    problem_of_status,
    respond,
)
from answerby.server.rest.streams import EVENT_STREAM, frames, media_type_of
from answerby.server.rpc.interceptors import CallInterceptor

KEY = "idempotency-key"
_JSON = re.compile(r"application/(?:[\w.+-]+\+)?json", re.IGNORECASE)


class Gateway:
    """Answers calls over HTTP by the handlers of gRPC."""

    def __init__(self, interceptor: CallInterceptor, handlers: Mapping[str, Any], body_bytes: int) -> None:
        """`handlers`: by full name of their method, see `handlers_of`."""
        # The handlers use of the context what HttpContext has.
        self._handlers: dict[str, Any] = {
            name: interceptor.surrounded(name, handler) for name, handler in handlers.items()
        }
        self._routes = Routes([each for each in bindings_of(services_of(handlers)) if each.full_name in handlers])
        self._body_bytes = body_bytes

    async def call(self, request: Request) -> Response:
        """The answer of one call."""
        try:
            binding, variables = self._find(request)
            message = await self._message(request, binding, variables)
        except AnswerbyError as error:
            return respond(problem_of(error))
        except ClientDisconnect:
            return Response(status_code=400)
        handler = self._handlers[binding.full_name]
        context = HttpContext((name.lower(), value) for name, value in request.headers.items())
        if handler.unary_stream is not None:
            return await self._stream(request, binding, handler.unary_stream(message, context))
        try:
            reply = await handler.unary_unary(message, context)
        except Aborted as ended:
            return respond(problem_of_status(ended.status, ended.call_id))
        return JSONResponse(plain(_decoded(reply, binding)))

    def _find(self, request: Request) -> tuple[Binding, Mapping[str, str]]:
        """Raises UnknownPath and MethodNotAllowed."""
        raw = request.scope.get("raw_path") or request.url.path.encode()
        found = self._routes.find(request.method, raw.decode("ascii", "replace").partition("?")[0])
        if isinstance(found, set):
            if found:
                raise MethodNotAllowed(f"call the path by {' or '.join(sorted(found))}")
            raise UnknownPath
        return found

    async def _message(self, request: Request, binding: Binding, variables: Mapping[str, str]) -> Message:
        """The request of the method. Raises AnswerbyError."""
        content: dict[str, Any] = {}
        if binding.body:
            body = await self._body(request)
            content = {binding.body: body} if binding.body != "*" else body
            if not isinstance(body, dict):
                raise InvalidInput([FieldViolation("body", "must be a JSON object")])
        if binding.body != "*":
            content |= _parameters(request, binding)
        elif request.query_params:
            raise InvalidInput([FieldViolation("query", "the call takes its fields in the body")])
        for name, value in variables.items():
            if content.setdefault(name, value) != value:
                raise InvalidInput([FieldViolation(name, "differs from the path")])
        if key := request.headers.get(KEY, "").strip().strip('"'):
            _put_key(content, key)
        if binding.method.name == "WatchDecisions" and (last := request.headers.get("last-event-id")):
            content.setdefault("resume_token", last)
        message: Message = GetMessageClass(binding.method.input_type)()
        fill(message, content)
        return message

    async def _body(self, request: Request) -> Any:
        """Raises BodyTooLarge and NotJson."""
        raw = bytearray()
        async for chunk in request.stream():
            raw += chunk
            if len(raw) > self._body_bytes:
                raise BodyTooLarge
        if not raw:
            return {}
        # A page of another origin cannot send JSON without the consent of this server.
        if not _JSON.fullmatch(request.headers.get("content-type", "").partition(";")[0].strip()):
            raise NotJson
        try:
            return orjson.loads(bytes(raw))
        except orjson.JSONDecodeError as error:
            raise NotJson(f"the body is no JSON: {error.msg}") from error

    async def _stream(self, request: Request, binding: Binding, replies: AsyncIterator[Any]) -> Response:
        """A stream of messages. An error before the first of them is an ordinary error."""
        try:
            first = [await anext(replies)]
        except StopAsyncIteration:
            first = []
        except Aborted as ended:
            return respond(problem_of_status(ended.status, ended.call_id))
        kind = media_type_of(request.headers.get("accept", ""), watch=binding.method.name == "WatchDecisions")
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        if kind == EVENT_STREAM:
            headers["connection"] = "keep-alive"
        return StreamingResponse(frames(kind, first, replies), media_type=kind, headers=headers)


def services_of(handlers: Mapping[str, Any]) -> list[Any]:
    """The descriptors of the services that have handlers."""
    from google.protobuf.descriptor_pool import Default  # noqa: PLC0415 - the generated modules fill it first

    names = sorted({name.split("/")[1] for name in handlers})
    return [Default().FindServiceByName(name) for name in names]


def _decoded(reply: Any, binding: Binding) -> Message:
    """The reply as a message. Busy methods return encoded replies."""
    if isinstance(reply, bytes):
        message: Message = GetMessageClass(binding.method.output_type).FromString(reply)
        return message
    assert isinstance(reply, Message)
    return reply


def _parameters(request: Request, binding: Binding) -> dict[str, Any]:
    """The fields in the query. Raises InvalidInput."""
    fields = binding.method.input_type.fields_by_name
    found: dict[str, Any] = {}
    for name in request.query_params:
        field = fields.get(name)
        if field is None or name == binding.body or name in binding.variables:
            raise InvalidInput([FieldViolation(name[:100], "is no parameter of this call")])
        values = [parameter(field, text) for text in request.query_params.getlist(name)]
        if len(values) > 1 and not field.is_repeated:
            raise InvalidInput([FieldViolation(name, "is given more than once")])
        found[name] = values if field.is_repeated else values[0]
    return found


def _put_key(content: MutableMapping[str, Any], key: str) -> None:
    """Makes the header Idempotency-Key the id of the event, and of each event of a batch with its place.

    Raises InvalidInput for an event with another id.
    """
    events = content.get("events")
    if isinstance(content.get("event"), dict):
        _put_id(content["event"], key, "event.id")
    elif isinstance(events, list):
        for place, event in enumerate(events):
            if isinstance(event, dict):
                event.setdefault("id", f"{key}/{place}")


def _put_id(event: MutableMapping[str, Any], key: str, field: str) -> None:
    if event.setdefault("id", key) != key:
        raise InvalidInput([FieldViolation(field, "differs from the header Idempotency-Key; leave one of them out")])
