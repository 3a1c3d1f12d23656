"""Two RPCs to compare with: one that only echoes, one that does exactly one Redis round trip. Run as a process."""

import asyncio
import sys

import grpc
import redis.asyncio as redis

from answerby.api.v1 import request_service_pb2 as pb


async def main(address: str, url: str) -> None:
    store = redis.Redis.from_url(url)

    async def echo(request: pb.SubmitEventRequest, _: object) -> pb.SubmitEventRequest:
        return request

    async def one_round_trip(request: pb.SubmitEventRequest, _: object) -> pb.SubmitEventRequest:
        await store.set(f"bench:{request.event.id}", request.SerializeToString())
        return request

    def handler(call: object) -> grpc.RpcMethodHandler:
        return grpc.unary_unary_rpc_method_handler(
            call, pb.SubmitEventRequest.FromString, pb.SubmitEventRequest.SerializeToString
        )

    server = grpc.aio.server()
    handlers = {"Echo": handler(echo), "OneRoundTrip": handler(one_round_trip)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Baseline", handlers),))
    server.add_insecure_port(address)
    await server.start()
    print("ready", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
