"""Ports of this machine's loopback address."""

import socket


class PortTaken(Exception):
    """A port that was asked for by number is in use."""


def prefer(preferred: int) -> int:
    """``preferred`` if nobody listens there, else any free port of this machine."""
    return preferred if is_free(preferred) else any_free()


def require(number: int) -> int:
    """The port, which must be free; 0 stands for any free one.

    Raises:
        PortTaken: somebody listens there.
    """
    if number and not is_free(number):
        raise PortTaken(f"Port {number} is in use. Choose another with --port, or --port 0 for any free one.")
    return number or any_free()


def is_free(port: int) -> bool:
    """Whether one could listen on this port of the loopback address now."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: a closed one does not block it
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def any_free() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        port: int = attempt.getsockname()[1]
        return port
