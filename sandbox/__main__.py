"""`python -m sandbox`: the command line."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from sandbox.directory import DEFAULT_WORKSPACE, WorkspaceError
from sandbox.manifest import ManifestError, load_manifest
from sandbox.options import Timing, Tokens
from sandbox.server import SandboxServer, bind, url_of
from sandbox.world import build_world


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A small local chat workspace for one app.")
    parser.add_argument("--port", type=int, default=8300, help="port on 127.0.0.1; 0 picks a free one")
    parser.add_argument("--manifest", type=Path, required=True, help="Slack app manifest (YAML) of the app")
    parser.add_argument("--state", type=Path, required=True, help="folder that keeps messages and files")
    parser.add_argument(
        "--workspace", type=Path, default=DEFAULT_WORKSPACE, help="people and channels (YAML); default: %(default)s"
    )
    parser.add_argument("--bot-token", default=Tokens.bot, help="default: %(default)s")
    parser.add_argument("--app-token", default=Tokens.app, help="default: %(default)s")
    parser.add_argument(
        "--ack-timeout", type=float, default=Timing.ack_timeout, help="seconds an app has to acknowledge"
    )
    parser.add_argument(
        "--redelivery",
        type=_seconds,
        default=Timing.redelivery,
        metavar="S,S,S",
        help="seconds before each redelivery of an event (default: 0,60,300)",
    )
    return parser


def _seconds(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(",") if part)


def main(arguments: list[str] | None = None) -> int:
    options = build_parser().parse_args(arguments)
    try:
        manifest = load_manifest(options.manifest)
        listener = bind(options.port)
        world = build_world(
            manifest,
            base_url=url_of(listener),
            state=options.state,
            workspace=options.workspace,
            timing=Timing(ack_timeout=options.ack_timeout, redelivery=options.redelivery),
            tokens=Tokens(options.bot_token, options.app_token),
        )
    except (ManifestError, WorkspaceError, OSError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2
    # The server hands a signal on after its clean stop; these handlers make that the end of it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    server = SandboxServer(world, lambda: print(f"sandbox ready on {world.base_url}", flush=True))
    asyncio.run(server.serve([listener]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
