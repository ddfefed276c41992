"""One Web API request from HTTP to its answer: decoding, faults, token, scope, method, traffic.

Not imitated: Slack's own rate limits, warnings, gzip, and the `x-accepted-oauth-scopes` header.
"""

import asyncio
import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.api import METHODS
from sandbox.api.method import Method, require_scope
from sandbox.arguments import Arguments, decode_arguments, normalise
from sandbox.errors import ApiError, RateLimited, Unavailable
from sandbox.faults import STREAM_METHODS
from sandbox.payload import Payload
from sandbox.world import World

UPSTREAM_AWAY = "upstream connect error or disconnect/reset before headers"


async def web_api(request: Request) -> Response:
    world: World = request.app.state.world
    name = request.path_params["method"]
    started = time.monotonic()
    arguments: Payload = {}
    retry_after = 0
    try:
        arguments = await _decode(request)
        body = {"ok": True, **await _answer(world, name, arguments, request)}
    except Unavailable as fault:
        world.traffic.record("api", name, args=arguments, ok=False, error="503", ms=0.0)
        return Response(UPSTREAM_AWAY, status_code=503, media_type=fault.content_type)
    except ApiError as error:
        body = _refusal(error)
    except RateLimited as limited:
        retry_after = limited.retry_after
        body = {"ok": False, "error": "ratelimited"}
    ms = round((time.monotonic() - started) * 1000, 1)
    world.traffic.record("api", name, args=arguments, ok=body["ok"], error=body.get("error"), ms=ms)
    headers = {"x-oauth-scopes": ",".join(sorted(world.manifest.scopes or ()))}
    if retry_after:
        headers["Retry-After"] = str(retry_after)
    return JSONResponse(body, status_code=429 if retry_after else 200, headers=headers)


async def _decode(request: Request) -> Payload:
    content_type = request.headers.get("content-type", "")
    if content_type.startswith("multipart/form-data"):
        async with request.form() as form:
            fields = {key: value for key, value in form.items() if isinstance(value, str)}
        return normalise({**request.query_params, **fields})
    return decode_arguments(request.query_params.multi_items(), content_type, await request.body())


async def _answer(world: World, name: str, arguments: Payload, request: Request) -> Payload:
    await _apply_faults(world, name)
    method = METHODS.get(name)
    if method is None:
        raise ApiError("unknown_method", req_method=name)
    header = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    _check_token(world, method, header or str(arguments.get("token", "")))
    require_scope(world, *method.scopes)
    return await method.handler(world, Arguments(arguments))


async def _apply_faults(world: World, name: str) -> None:
    delay = world.faults.take("delay", name)
    if delay is not None:
        await asyncio.sleep(delay.ms / 1000)
    limit = world.faults.take("rate_limit", name)
    if limit is not None:
        raise RateLimited(limit.retry_after)
    away = world.faults.take("unavailable", name)
    if away is not None:
        raise Unavailable(away.content_type)
    fault = world.faults.take("method_error", name)
    if fault is None and name in STREAM_METHODS:
        fault = world.faults.take("no_streaming")
    if fault is not None:
        raise ApiError(fault.error)


def _check_token(world: World, method: Method, token: str) -> None:
    if not token:
        raise ApiError("not_authed")
    if token not in (world.tokens.bot, world.tokens.app):
        raise ApiError("invalid_auth")
    wanted = {"bot": world.tokens.bot, "app": world.tokens.app}.get(method.token, token)
    if token != wanted:
        raise ApiError("not_allowed_token_type")


def _refusal(error: ApiError) -> Payload:
    body: Payload = {"ok": False, "error": error.code, **error.extra}
    if error.details:
        body["errors"] = error.details
        body["response_metadata"] = {"messages": error.details}
    return body
