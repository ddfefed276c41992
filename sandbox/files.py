"""Uploaded files: promised by a URL, filled with bytes, completed, and a moment later ready.

Not imitated: thumbnails, previews, external files, comments, sizes over 20 MB, uploads by people.
"""

import mimetypes
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from sandbox.errors import ApiError
from sandbox.identifiers import fresh_id, fresh_secret
from sandbox.payload import Payload
from sandbox.store import Store

LARGEST = 20 * 1024 * 1024
IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")


@dataclass(frozen=True)
class File:
    """`mimetype` stays empty until the file is ready, which is how apps can tell."""

    id: str
    name: str
    title: str
    user: str
    created: int
    size: int = 0
    mimetype: str = ""
    alt_text: str = ""
    channels: tuple[str, ...] = ()
    deleted: bool = False


class Files:
    def __init__(self, store: Store, base_url: Callable[[], str]) -> None:
        self._store = store
        self._base_url = base_url
        self._uploads: dict[str, str] = {}
        self._files: dict[str, File] = {}
        for record in store.all("file").values():
            file = File(**{**record, "channels": tuple(record["channels"])})
            self._files[file.id] = file

    def promise(self, name: str, user: str, alt_text: str) -> tuple[File, str]:
        """A new file without bytes, and the secret part of its upload URL."""
        file = File(fresh_id("F"), name, name, user, int(time.time()), alt_text=alt_text)
        self._files[file.id] = file
        secret = fresh_secret()
        self._uploads[secret] = file.id
        return file, secret

    def upload(self, secret: str, data: bytes) -> File | None:
        file_id = self._uploads.pop(secret, None)
        if file_id is None:
            return None
        self._store.put_bytes(file_id, data)
        return self._put(replace(self._files[file_id], size=len(data)))

    def complete(self, file_id: str, title: str | None, channels: tuple[str, ...]) -> File:
        file = self.get(file_id)
        if not file.size:
            raise ApiError("file_not_found", ["[ERROR] nothing was uploaded for this file"])
        return self._put(replace(file, title=title or file.name, channels=channels))

    def make_ready(self, file_id: str) -> File:
        file = self.get(file_id)
        guessed = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        return self._put(replace(file, mimetype=guessed))

    def get(self, file_id: str) -> File:
        if file_id not in self._files:
            raise ApiError("file_not_found")
        if self._files[file_id].deleted:
            raise ApiError("file_deleted")
        return self._files[file_id]

    def delete(self, file_id: str, by: str) -> File:
        """The bytes are gone; that there was such a file stays known."""
        file = self.get(file_id)
        if file.user != by:
            raise ApiError("cant_delete_file")
        self._store.remove_bytes(file_id)
        return self._put(replace(file, deleted=True, size=0, mimetype=""))

    def bytes_of(self, file_id: str) -> bytes:
        return self._store.get_bytes(self.get(file_id).id)

    def ready_ids(self) -> frozenset[str]:
        return frozenset(file.id for file in self._files.values() if file.mimetype in IMAGES)

    def payload(self, file_id: str) -> Payload:
        if file_id in self._files and self._files[file_id].deleted:
            return {"id": file_id, "mode": "tombstone"}
        file = self.get(file_id)
        url = f"{self._base_url()}/files-pri/{file.id}"
        return {
            "id": file.id,
            "created": file.created,
            "name": file.name,
            "title": file.title,
            "mimetype": file.mimetype,
            "filetype": file.name.rpartition(".")[2] if "." in file.name else "binary",
            "user": file.user,
            "size": file.size,
            "mode": "hosted",
            "alt_txt": file.alt_text,
            "channels": list(file.channels),
            "url_private": url,
            "url_private_download": url,
            "permalink": url,
        }

    def _put(self, file: File) -> File:
        self._files[file.id] = file
        self._store.put("file", file.id, asdict(file))
        return file
