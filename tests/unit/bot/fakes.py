"""A Slack that keeps messages as Slack does, behind the real client's own methods: only the network is replaced."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

Payload = dict[str, Any]


def slack_error(code: str, status: int = 200, headers: dict[str, str] | None = None) -> SlackApiError:
    body = {"ok": False, "error": code}
    return SlackApiError(code, AsyncSlackResponse(
        client=None, http_verb="POST", api_url="", req_args={}, data=body, headers=headers or {}, status_code=status
    ))  # fmt: skip


def proxy_error(content_type: str, status: int = 503) -> SlackApiError:
    """What the SDK makes of a proxy's page, which is no JSON, by its type."""
    if content_type == "application/json":  # the bare response of the HTTP client
        return SlackApiError("unreadable", SimpleNamespace(status=status, headers={}))
    data: Any = "upstream connect error" if content_type == "text/plain" else {}
    return SlackApiError("refused", AsyncSlackResponse(
        client=None, http_verb="POST", api_url="", req_args={}, data=data, headers={}, status_code=status
    ))  # fmt: skip


class FakeSlack:
    """``messages`` holds the text that people see, by ts. ``errors`` are raised once each, by method, in order."""

    def __init__(self, first_ts: int = 0) -> None:
        self.messages: dict[str, str] = {}
        self.footers: dict[str, list[Payload]] = {}
        self.streaming: set[str] = set()
        self.calls: list[tuple[str, Payload]] = []
        self.errors: dict[str, list[Exception]] = {}
        self.late_errors: dict[str, list[Exception]] = {}
        self.replies: dict[str, Payload] = {}
        self.client = _Client(self)
        self._next = first_ts

    def counted(self, method: str) -> int:
        return Counter(name for name, _ in self.calls)[method]

    def handle(self, method: str, args: Payload) -> Payload:
        self.calls.append((method, args))
        for queue, after in ((self.errors, False), (self.late_errors, True)):
            waiting = queue.get(method)
            if waiting:
                if after:  # carried out, and the reply is lost
                    self._do(method, args)
                raise waiting.pop(0)
        return self._do(method, args)

    def _do(self, method: str, args: Payload) -> Payload:
        match method:
            case "chat.startStream":
                ts = self._post(_chunks(args))
                self.streaming.add(ts)
                return {"ts": ts}
            case "chat.appendStream" | "chat.stopStream":
                ts = args["ts"]
                if ts not in self.messages:
                    raise slack_error("message_not_found")
                if ts not in self.streaming:
                    raise slack_error("message_not_in_streaming_state")
                self.messages[ts] += _chunks(args)
                if method == "chat.stopStream":
                    self.streaming.discard(ts)
                    self.footers[ts] = args.get("blocks") or []
                return {"ts": ts}
            case "chat.postMessage":
                ts = self._post(_markdown(args))
                self.footers[ts] = (args.get("blocks") or [])[1:]
                return {"ts": ts, "channel": args["channel"]}
            case "chat.update":
                if args["ts"] not in self.messages:
                    raise slack_error("message_not_found")
                if args["ts"] in self.streaming:
                    raise slack_error("streaming_state_conflict")
                self.messages[args["ts"]] = _markdown(args)
                self.footers[args["ts"]] = args["blocks"][1:]
                return {"ts": args["ts"]}
            case "chat.delete":
                self.messages.pop(args["ts"], None)
                return {}
            case _:
                return self.replies.get(method, {})

    def _post(self, text: str) -> str:
        self._next += 1
        ts = f"{self._next}.000000"
        self.messages[ts] = text
        return ts


class _Client(AsyncWebClient):
    def __init__(self, slack: FakeSlack) -> None:
        super().__init__(token="xoxb-fake")
        self._slack = slack

    async def api_call(self, api_method: str, **request: Any) -> AsyncSlackResponse:  # type: ignore[override]
        args: Payload = {}
        for part in ("params", "json", "data"):
            args |= {key: value for key, value in (request.get(part) or {}).items() if value is not None}
        data = {"ok": True, **self._slack.handle(api_method, args)}
        return AsyncSlackResponse(
            client=self, http_verb="POST", api_url=api_method, req_args={}, data=data, headers={}, status_code=200
        )


def _chunks(args: Payload) -> str:
    return "".join(chunk["text"] for chunk in args.get("chunks") or [])


def _markdown(args: Payload) -> str:
    blocks = args.get("blocks") or []
    return str(blocks[0]["text"]) if blocks and blocks[0]["type"] == "markdown" else str(args.get("text"))
