"""The base model's folder: the path it is served under, a fingerprint of what is in it, and its layers' shapes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from serving.errors import ServingError
from serving.tensor_file import Header, Tensor, TensorFileError, read_header
from serving.tokenizer_check import check_tokenizer

SERVED_BASE = "base"
"""The name that vLLM serves the base model under."""

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer.model",
    "vocab.json",
    "merges.txt",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
)
VOLATILE = ("_name_or_path", "transformers_version")  # differ between copies of the same model
SAMPLES, SAMPLE_BYTES = 16, 4096


class BaseModelError(ServingError):
    """The base model's folder cannot be used; the message names what is missing or wrong."""


@dataclass(frozen=True)
class BaseModel:
    """What an adapter is checked against.

    ``path`` is the string given to ``--model``, to the letter; a published adapter names it as its
    ``base_model_name_or_path``. ``layers`` maps a linear layer's name to (outputs, inputs). ``bfloat16`` says whether
    their weights are of that type, in which a server then keeps an adapter's, too.
    """

    path: str
    fingerprint: str
    layers: Mapping[str, tuple[int, int]]
    bfloat16: bool = False

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """Read the folder's small files and the headers of its weights; the weights themselves stay on disk.

        Raises:
            BaseModelError: something is missing, or the tokenizer is another model's.
        """
        folder = served_path(path)
        if not folder.is_dir():
            raise BaseModelError(f"Model folder missing: {folder}")
        config = _json(folder / "config.json")
        if not any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer.model", "vocab.json")):
            raise BaseModelError(f"Model folder without a tokenizer: {folder}")
        if wrong := check_tokenizer(folder, config):
            raise BaseModelError(f"Wrong tokenizer in {folder}: {wrong}")
        shards = _shards(folder)
        linear = _linear(shards)
        layers = {name: (tensor.shape[0], tensor.shape[1]) for name, tensor in linear.items()}
        bfloat16 = bool(linear) and all(tensor.kind == "BF16" for tensor in linear.values())
        return cls(str(folder), _fingerprint(folder, config, shards), layers, bfloat16)


def served_path(path: Path | str) -> Path:
    """The absolute form of a model's path, without following links: what ``--model`` and adapters both say."""
    return Path(path).expanduser().absolute()


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BaseModelError(f"Model folder without {path.name}: {path.parent}") from error
    except ValueError as error:
        raise BaseModelError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(content, dict):
        raise BaseModelError(f"{path} is not a JSON object")
    return content


def _shards(folder: Path) -> dict[Path, Header]:
    index = folder / "model.safetensors.index.json"
    names = set(_json(index)["weight_map"].values()) if index.is_file() else {"model.safetensors"}
    headers: dict[Path, Header] = {}
    for path in sorted(folder / name for name in names):
        try:
            headers[path] = read_header(path)
        except OSError as error:
            raise BaseModelError(f"Model folder without its weights: {path} is missing") from error
        except TensorFileError as error:
            raise BaseModelError(f"The model's weights in {folder} are damaged: {error}") from error
    return headers


def _linear(shards: Mapping[Path, Header]) -> dict[str, Tensor]:
    return {
        name.removesuffix(".weight"): tensor
        for header in shards.values()
        for name, tensor in header.tensors.items()
        if name.endswith(".weight") and len(tensor.shape) == 2
    }


def _fingerprint(folder: Path, config: Mapping[str, Any], shards: Mapping[Path, Header]) -> str:
    """A hash of the configuration, the tokenizer and the weights' headers, plus samples of the weights.

    The samples tell two models of equal shape apart without reading 15 GB.
    """
    digest = hashlib.sha256()
    stable = {key: value for key, value in config.items() if key not in VOLATILE}
    digest.update(json.dumps(stable, sort_keys=True).encode())
    for name in TOKENIZER_FILES:
        if (folder / name).is_file():
            digest.update(name.encode() + hashlib.sha256((folder / name).read_bytes()).digest())
    for path, header in shards.items():
        size = path.stat().st_size
        digest.update(f"{path.name} {size}".encode() + header.raw)
        with path.open("rb") as file:
            for step in range(SAMPLES):
                file.seek(header.data_start + (size - header.data_start) * step // SAMPLES)
                digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()
