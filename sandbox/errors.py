"""How a request is refused. Does not imitate Slack's warnings, which accompany successful answers."""

from collections.abc import Sequence


class ApiError(Exception):
    """The answer is `ok: false` with this error code."""

    def __init__(self, code: str, details: Sequence[str] = (), **extra: str) -> None:
        super().__init__(code)
        self.code = code
        self.details = list(details)
        self.extra = extra


class RateLimited(Exception):
    """The answer is HTTP 429 with this many seconds in Retry-After."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"retry after {retry_after} s")
        self.retry_after = retry_after


class Unavailable(Exception):
    """The answer is HTTP 503 with a proxy's words in a body of this type."""

    def __init__(self, content_type: str) -> None:
        super().__init__(content_type)
        self.content_type = content_type
