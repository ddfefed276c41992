"""Where a server's Unix socket may lie: the kernel takes at most 107 bytes of path."""

import os
from hashlib import sha256
from pathlib import Path

LONGEST = 107


def folder(preferred: Path, socket_name: str, account: tuple[int, int] | None = None) -> Path:
    """``preferred``, or when its path is too long a folder of the same owner under /tmp, open to nobody else.

    Raises:
        PermissionError: somebody else has made that folder under /tmp.
    """
    user, group = account or (os.getuid(), os.getgid())
    place = preferred
    if len(os.fsencode(preferred / socket_name)) > LONGEST:
        place = Path("/tmp") / f"mend-{sha256(os.fsencode(preferred)).hexdigest()[:12]}"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.geteuid() == 0 and place.stat().st_uid == 0:
        os.chown(place, user, group)
    if place.is_symlink() or place.stat().st_uid != user:
        raise PermissionError(f"{place} belongs to somebody else; remove it and start again.")
    return place
