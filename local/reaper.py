"""Ends every part when the process that started them is gone, even if it was killed with SIGKILL.

Run as ``python -m local.reaper FOLDER`` with a pipe as its input, which nobody else holds: the kernel closes the pipe
when the supervisor dies, however it dies. Should this process be killed as well, the next start does its work.
"""

import signal
import sys
from pathlib import Path

from local import pids


def main() -> None:
    """Wait for the end of the input, then stop what the folder remembers."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the terminal's Ctrl-C is for the supervisor
    sys.stdin.buffer.read()
    pids.stop_recorded(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
