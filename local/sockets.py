"""Where a server's Unix socket may lie: the kernel takes at most 107 bytes of path."""

import os
from hashlib import sha256
from pathlib import Path

LONGEST = 107


def folder(preferred: Path, socket_name: str) -> Path:
    """``preferred``, or when its path is too long a folder under /tmp."""
    if len(os.fsencode(preferred / socket_name)) <= LONGEST:
        return preferred
    return Path("/tmp") / f"mend-{sha256(os.fsencode(preferred)).hexdigest()[:12]}"


def make(place: Path, account: tuple[int, int] | None) -> None:
    """Make the folder for ``account`` (None: the caller) and nobody else.

    Raises:
        PermissionError: it is there and belongs to somebody else, as anyone could arrange under /tmp.
    """
    user, group = account or (os.getuid(), os.getgid())
    try:
        place.mkdir(mode=0o700)
        os.chown(place, user, group)
    except FileExistsError:
        if place.is_symlink() or place.stat().st_uid != user:
            raise PermissionError(f"{place} belongs to somebody else; remove it and start again.") from None
