"""The web application: every route, and nothing else. Not imitated: OAuth and install pages, HTTP event delivery."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from sandbox import control_endpoint, people_endpoint
from sandbox.api.endpoint import web_api
from sandbox.errors import ApiError
from sandbox.hook_endpoint import private_file, response_url, upload
from sandbox.world import World

PAGE = Path(__file__).with_name("page")
# The page is its own files and nothing else: no foreign script, style, image or connection.
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def build_web(world: World) -> Starlette:
    app = Starlette(
        routes=[
            Route("/api/{method}", web_api, methods=["GET", "POST"]),
            Route("/hooks/{kind}/{secret}", response_url, methods=["POST"]),
            Route("/upload/v1/{secret}", upload, methods=["POST"]),
            Route("/files-pri/{file}", private_file),
            WebSocketRoute("/link/", socket),
            *control_endpoint.ROUTES,
            *people_endpoint.ROUTES,
            Route("/archives/{channel}/p{digits}", permalink),
            Route("/", page),
            Mount("/page", StaticFiles(directory=PAGE)),
        ],
        # A name that resolves to this machine must not let a foreign page reach it (DNS rebinding).
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])],
        exception_handlers={ApiError: refused},
    )
    app.state.world = world
    return app


async def socket(web: WebSocket) -> None:
    world: World = web.app.state.world
    await world.hub.serve(web)


async def page(request: Request) -> Response:
    return FileResponse(PAGE / "index.html", headers=_PAGE_HEADERS)


async def permalink(request: Request) -> Response:
    """Links to messages open the page at that message."""
    digits, channel = request.path_params["digits"], request.path_params["channel"]
    return RedirectResponse(f"/#{channel}/{digits[:-6]}.{digits[-6:]}")


async def refused(request: Request, error: Exception) -> Response:
    """For the endpoints of people and tests; the Web API answers refusals itself, with status 200."""
    if not isinstance(error, ApiError):
        raise error
    body = {"ok": False, "error": error.code, "details": error.details}
    return JSONResponse(body, status_code=404 if error.code.endswith("_not_found") else 400)
