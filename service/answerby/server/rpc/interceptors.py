"""Steps around every call: recovery, credentials, deadline, limits, access log and metrics."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, NoReturn

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from answerby.domain.errors import AnswerbyError, Draining, InternalError, Overloaded
from answerby.server.base.config import Limits
from answerby.server.base.interruptions import Interruption, Stored, current_interruption
from answerby.server.base.logs import Logger
from answerby.server.base.loops import pause
from answerby.server.base.metrics import Metrics
from answerby.server.base.roles import Role, check_permission
from answerby.server.rpc.auth import Authenticator
from answerby.server.rpc.errors import Code, DeadlineExceeded, MalformedMessage, code_of, to_grpc_status

OPEN_SERVICES = ("/grpc.health.v1.Health/", "/grpc.reflection.")
"""Services without a token and without a log line. Load balancers call them all the time."""
CALL_ID = "x-request-id"
QUIET = 0.02
"""Seconds without a call after which none is on its way."""
LONGEST_REFUSAL = 0.5
"""Seconds for which calls that keep coming are refused one by one."""

Context = grpc.aio.ServicerContext[Any, Any]


class Call(NamedTuple):
    """The call in progress."""

    tenant: str
    id: str
    caller: str = ""
    """The caller's name, as shown in the history of the rules."""
    roles: frozenset[Role] = frozenset()


current_call: ContextVar[Call] = ContextVar("current_call")


class _Malformed(NamedTuple):
    """The stand-in for a request with unreadable bytes."""


class Gate:
    """The number of calls and watches in progress, and the admission of new ones."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.calls = 0
        self.watches = 0
        self.draining = asyncio.Event()
        self.ending = False
        """Whether the time of the drain is up."""
        self._arrived = 0
        self._limits_of_calls: set[asyncio.Timeout] = set()
        self._emptied = asyncio.Event()

    def enter(self, *, watch: bool) -> None:
        """Admits a call or a watch. Raises Draining or Overloaded."""
        self._arrived += 1
        if self.draining.is_set():
            raise Draining(stored=Stored.NO)
        if watch:
            if self.watches >= self.limits.watchers:
                raise Overloaded("this server has as many watch streams as it takes; use another or wait")
            self.watches += 1
        elif self.calls >= self.limits.concurrent_calls:
            raise Overloaded
        else:
            self.calls += 1

    def leave(self, *, watch: bool) -> None:
        if watch:
            self.watches -= 1
        else:
            self.calls -= 1
        if not self.calls and not self.watches:
            self._emptied.set()

    @contextmanager
    def limiting(self, limit: asyncio.Timeout) -> Iterator[None]:
        """Within the block, `end_calls` ends the call by its time limit."""
        self._limits_of_calls.add(limit)
        try:
            yield
        finally:
            self._limits_of_calls.discard(limit)

    async def refuse(self) -> None:
        """Refuses calls from now on. Returns when those that have reached this machine by now have heard so."""
        self.draining.set()
        until = asyncio.get_running_loop().time() + LONGEST_REFUSAL
        before = -1
        while before != self._arrived and asyncio.get_running_loop().time() < until:
            before = self._arrived
            await asyncio.sleep(QUIET)

    async def drained(self, seconds: float) -> None:
        """Returns once no call is in progress, after `seconds` in any case."""
        self._emptied.clear()
        if self.calls or self.watches:
            await pause(self._emptied, seconds)

    def end_calls(self) -> None:
        """Ends the calls in progress: callers hear that this server stops, and whether their event was stored."""
        self.draining.set()
        self.ending = True
        now = asyncio.get_running_loop().time()
        for limit in self._limits_of_calls:
            limit.reschedule(now)


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Outermost first: recovery, telemetry, gate, credentials, deadline, handler."""

    def __init__(self, authenticator: Authenticator, gate: Gate, metrics: Metrics, logger: Logger) -> None:
        self._authenticator = authenticator
        self._gate = gate
        self._metrics = metrics
        self._logger = logger
        self._handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
        """Handlers by method. Every call of a method gets the same handler."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        method = handler_call_details.method
        known = self._handlers.get(method)
        if known is not None:
            return known
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        return self._handlers.setdefault(method, self.surrounded(method, handler))

    def surrounded(self, method: str, handler: grpc.RpcMethodHandler[Any, Any]) -> grpc.RpcMethodHandler[Any, Any]:
        """The handler with the steps around every call. `method` is its full name."""
        if method.startswith(OPEN_SERVICES):
            return handler
        if handler.unary_unary is not None:
            return grpc.unary_unary_rpc_method_handler(
                self._unary(method, handler.unary_unary),
                request_deserializer=_tolerant(handler.request_deserializer),
                response_serializer=_unless_encoded(handler.response_serializer),
            )
        if handler.unary_stream is not None:
            return grpc.unary_stream_rpc_method_handler(
                self._stream(method, handler.unary_stream),
                request_deserializer=_tolerant(handler.request_deserializer),
                response_serializer=handler.response_serializer,
            )
        return handler

    def _unary(self, method: str, behaviour: Callable[..., Awaitable[Any]]) -> Callable[[Any, Context], Awaitable[Any]]:
        async def call(request: Any, context: Context) -> Any:
            started = time.perf_counter()
            code = Code.OK
            identity = Call("", _call_id(context))
            interruption = Interruption()
            current_interruption.set(interruption)
            try:
                self._gate.enter(watch=False)
                try:
                    identity = self._identify(method, request, context, identity)
                    async with asyncio.timeout(_time_left(context, self._gate.limits.deadline_seconds)) as limit:
                        with self._gate.limiting(limit):
                            return await behaviour(request, context)
                finally:
                    self._gate.leave(watch=False)
            except AnswerbyError as error:
                code = code_of(error)
                await self._abort(context, error, identity, method)
            except TimeoutError:
                over = Draining if self._gate.ending else DeadlineExceeded
                ended = over(**interruption.metadata)
                code = code_of(ended)
                await self._abort(context, ended, identity, method)
            except asyncio.CancelledError:
                code = Code.CANCELLED
                raise
            except Exception as error:
                code = Code.INTERNAL
                self._logger.exception("call failed", method=method, call_id=identity.id, exc_info=error)
                await self._abort(context, InternalError(), identity, method)
            finally:
                self._record(method, code, started, identity)

        return call

    def _stream(self, method: str, behaviour: Callable[..., Any]) -> Callable[[Any, Context], AsyncIterator[Any]]:
        async def call(request: Any, context: Context) -> AsyncIterator[Any]:
            started = time.perf_counter()
            code = Code.OK
            identity = Call("", _call_id(context))
            entered = False
            try:
                self._gate.enter(watch=True)
                entered = True
                identity = self._identify(method, request, context, identity)
                async for response in behaviour(request, context):
                    if self._gate.ending:
                        raise Draining  # noqa: TRY301 - the caller gets it like any other error
                    yield response
            except AnswerbyError as error:
                code = code_of(error)
                await self._abort(context, error, identity, method)
            except (asyncio.CancelledError, GeneratorExit):
                code = Code.CANCELLED
                raise
            except Exception as error:
                code = Code.INTERNAL
                self._logger.exception("call failed", method=method, call_id=identity.id, exc_info=error)
                await self._abort(context, InternalError(), identity, method)
            finally:
                if entered:
                    self._gate.leave(watch=True)
                self._record(method, code, started, identity)

        return call

    def _identify(self, method: str, request: Any, context: Context, identity: Call) -> Call:
        """Checks the credentials first, so that no other error reveals the existence of a resource."""
        caller = self._authenticator.caller(context.invocation_metadata() or ())
        check_permission(method, caller)
        if isinstance(request, _Malformed):
            raise MalformedMessage
        call = Call(caller.tenant, identity.id, caller.name, caller.roles)
        current_call.set(call)
        return call

    async def _abort(self, context: Context, error: AnswerbyError, call: Call, method: str) -> NoReturn:
        if code_of(error) == Code.INTERNAL:
            self._logger.error("call failed", method=method, call_id=call.id, tenant=call.tenant, reason=error.reason)
        context.set_trailing_metadata((*(context.trailing_metadata() or ()), (CALL_ID, call.id)))
        await context.abort_with_status(to_grpc_status(error))
        raise AssertionError

    def _record(self, method: str, code: Code, started: float, call: Call) -> None:
        seconds = time.perf_counter() - started
        name = code.name
        self._metrics.call(method.rpartition("/")[2], name, seconds)
        self._logger.debug(
            "call", method=method, code=name, milliseconds=round(seconds * 1000, 3), call_id=call.id, tenant=call.tenant
        )


def _tolerant(deserialise: Callable[[bytes], Any] | None) -> Callable[[bytes], Any]:
    """A deserialiser that turns unreadable bytes into our INVALID_ARGUMENT, not a raw error of the transport."""
    if deserialise is None:
        return bytes

    def read(data: bytes) -> Any:
        try:
            return deserialise(data)
        except DecodeError:
            return _Malformed()

    return read


def _unless_encoded(serialise: Callable[[Any], bytes] | None) -> Callable[[Any], bytes] | None:
    """A serialiser that passes encoded replies through.

    Busy methods return encoded replies, see decision_messages.py.
    """
    if serialise is None:
        return None
    return lambda reply: reply if isinstance(reply, bytes) else serialise(reply)


def _time_left(context: Context, longest: float) -> float:
    left = context.time_remaining()
    return longest if left is None else min(left, longest)


def _call_id(context: Context) -> str:
    """The caller's x-request-id when the id is well formed, else an id of our own."""
    for name, value in context.invocation_metadata() or ():
        if (
            name == CALL_ID
            and isinstance(value, str)
            and 0 < len(value) <= 64
            and value.isascii()
            and value.isprintable()
        ):
            return value
    return f"{random.getrandbits(128):032x}"
