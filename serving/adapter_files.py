"""The adapters' folder: how an adapter gets in, whole or not at all, and how it is seen to be unchanged later.

    <adapters>/pip-v7-3f9a1c2e/adapter_config.json
                               adapter_model.safetensors
                               mend.json                    what was checked, with both files' sha256
                               READY                        written last

A name and what is under it never change: the server's prefix cache and its running answers know an adapter by them.
Files are compared with their hashes whenever Mend has a server load them. One thing is out of reach: an engine reads an
adapter that its memory had no more room for anew from the folder, unasked.
"""

import hashlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from feedback.adapters import Saved, Seal
from serving.adapter_checks import CONFIG, WEIGHTS, check_folder, sha256_of
from serving.base import BaseModel
from serving.bfloat16 import narrow
from serving.errors import AdapterLoadError
from serving.tensor_file import decode, encode, finite
from settings import ServingSettings

RECORD, READY = "mend.json", "READY"
NAME = re.compile(r"[a-z0-9]+(?:-+[a-z0-9]+)*")
NAME_LIMIT = 120
LEFTOVER = 3600  # seconds


@dataclass(frozen=True)
class Record:
    """What ``mend.json`` says about the two files beside it."""

    name: str
    version: int
    sha256: str
    config_sha256: str
    rank: int
    alpha: float
    base_model: str
    base_fingerprint: str


def adapter_name(persona_slug: str, version: int, sha256: str) -> str:
    """``<slug>-v<version>-<first 8 of the weights' hash>``, made of ``[a-z0-9-]`` only.

    Raises:
        AdapterLoadError: the slug would make a name that could lead out of the folder.
    """
    name = f"{persona_slug}-v{version}-{sha256[:8]}"
    check_name(name)
    return name


def check_name(name: str) -> None:
    """A name becomes a folder's, so only plain ones are taken: no ``..``, nothing absolute, no hidden file."""
    if not NAME.fullmatch(name) or len(name) > NAME_LIMIT:
        raise AdapterLoadError(f"{name[:NAME_LIMIT]!r} cannot be an adapter's name: use a-z, 0-9 and -")


def publish(source: Path, settings: ServingSettings, base: BaseModel, persona_slug: str, version: int) -> Saved:
    """Check a trained adapter and put its two files into the adapters' folder under a name of its own.

    Safe to call again, and after a crash at any point: the folder appears under its name in one step, complete.

    Raises:
        AdapterLoadError: a check failed, or the name is taken by other files.
    """
    facts = check_folder(source, base, settings.max_lora_rank, settings.lora_target_modules)
    trained = (source / WEIGHTS).read_bytes()
    if hashlib.sha256(trained).hexdigest() != facts.sha256:  # only what was checked is published
        raise AdapterLoadError(f"{source / WEIGHTS} changed while it was being published")
    weights = as_published(trained, base)
    name = adapter_name(persona_slug, version, hashlib.sha256(weights).hexdigest())
    config = dict(facts.config) | {"base_model_name_or_path": base.path, "inference_mode": True}
    record = write_adapter(settings.adapters_dir, name, version, weights, config, base)
    return Saved(
        name, version, record.sha256, record.rank, record.base_model, record.base_fingerprint, record.config_sha256
    )


def as_published(trained: bytes, base: BaseModel) -> bytes:
    """The weights file that servers get of one that was trained: the same, or half as large where the base model is in
    bfloat16. A server would round float32 weights in the same way, each time that it loads them.

    Raises:
        AdapterLoadError: a weight is too large for bfloat16.
    """
    if not base.bfloat16:
        return trained
    tensors = decode(trained, WEIGHTS)
    for name, (kind, shape, values) in tensors.items():
        if kind == "F32":
            small = narrow(values)
            if not finite("BF16", small):
                raise AdapterLoadError(f"The adapter's {name} is too large for bfloat16; the training diverged")
            tensors[name] = "BF16", shape, small
    return encode(tensors, {"format": "pt"})


def write_adapter(
    adapters_dir: Path, name: str, version: int, weights: bytes, config: Mapping[str, Any], base: BaseModel
) -> Record:
    """Put one adapter into the folder, durably and in one step; a second call with the same content changes nothing."""
    target = adapters_dir / name
    adapters_dir.mkdir(parents=True, exist_ok=True)
    _clear_leftovers(adapters_dir)
    temporary = adapters_dir / f".tmp-{name}-{uuid.uuid4().hex[:8]}"
    temporary.mkdir()
    try:
        _write(temporary / WEIGHTS, weights)
        _write(temporary / CONFIG, json.dumps(config, indent=2, sort_keys=True).encode())
        record = Record(
            name=name,
            version=version,
            sha256=sha256_of(temporary / WEIGHTS),
            config_sha256=sha256_of(temporary / CONFIG),
            rank=config["r"],
            alpha=config["lora_alpha"],
            base_model=base.path,
            base_fingerprint=base.fingerprint,
        )
        _write(temporary / RECORD, json.dumps(asdict(record), indent=2).encode())
        _write(temporary / READY, b"")
        _sync_folder(temporary)
        return _reveal(temporary, target, record)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def whole_folder(adapters_dir: Path, name: str, seal: Seal | None = None) -> Path:
    """The folder of a published adapter, after comparing its files with what is written beside them.

    That could be exchanged together with the files; ``seal`` is what the database says of them.

    Raises:
        AdapterLoadError: it is missing, unfinished, or not what was published.
    """
    check_name(name)
    folder = adapters_dir.expanduser().absolute() / name
    record = read_record(folder)
    if seal and (record.sha256, record.config_sha256) != (seal.sha256, seal.config_sha256 or record.config_sha256):
        raise AdapterLoadError(f"{name} is not the adapter that was trained: its hashes are not those of the record")
    for file, expected in ((WEIGHTS, record.sha256), (CONFIG, record.config_sha256)):
        path = folder / file
        if path.is_symlink() or not path.is_file():
            raise AdapterLoadError(f"{name} has lost its file {file}; restore it or train again")
        if sha256_of(path) != expected:
            raise AdapterLoadError(f"{file} of {name} was truncated or changed after it was published; restore it")
    return folder


def read_record(folder: Path) -> Record:
    """What is written beside a published adapter.

    Raises:
        AdapterLoadError: there is no finished adapter of this name.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise AdapterLoadError(f"No adapter {folder.name} in {folder.parent}")
    if not (folder / READY).is_file():
        raise AdapterLoadError(f"{folder.name} is unfinished: its folder has no {READY} mark")
    try:
        record = Record(**json.loads((folder / RECORD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise AdapterLoadError(f"{RECORD} of {folder.name} is missing or damaged") from error
    # The name carries the hash, so weights and record cannot be exchanged together without being seen.
    if record.name != folder.name or not folder.name.endswith(f"-{record.sha256[:8]}"):
        raise AdapterLoadError(f"{RECORD} of {folder.name} belongs to another adapter")
    return record


def quarantine(adapters_dir: Path, name: str) -> Path:
    """Move a broken folder to a hidden name, so that nobody loads it and whoever looks sees what is wrong.

    Only for a name that no server has registered: an engine that misses the folder of a registered adapter dies.
    """
    check_name(name)
    hidden = adapters_dir / f".broken-{name}-{uuid.uuid4().hex[:8]}"
    (adapters_dir / name).rename(hidden)
    _sync_folder(adapters_dir)
    return hidden


def _clear_leftovers(adapters_dir: Path) -> None:
    """Remove what processes that died while writing have left; a running one needs seconds."""
    for path in adapters_dir.glob(".tmp-*"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > LEFTOVER:
                shutil.rmtree(path, ignore_errors=True)


def _reveal(temporary: Path, target: Path, record: Record) -> Record:
    if not target.exists():
        try:
            temporary.rename(target)
        except OSError:
            if not target.exists():  # else another process was first, with the same name
                raise
        _sync_folder(target.parent)
    if read_record(whole_folder(target.parent, target.name)) != record:
        raise AdapterLoadError(f"{target.name} exists with other content; a name is never used twice")
    return record


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
