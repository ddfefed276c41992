"""What must be true of an adapter before any server sees it. vLLM itself accepts a wrong rank, another base model of
equal shape, and NaN, which spoils every model on that server until it is restarted."""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving.base import BaseModel, BaseModelError, served_path
from serving.errors import AdapterLoadError
from serving.tensor_file import WIDTHS, Header, TensorFileError, first_not_finite, read_header

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
KEY = re.compile(r"base_model\.model\.(?P<layer>.+)\.lora_(?P<half>[AB])\.weight")

PLAIN_STARTS = (True, False, None, "gaussian", "orthogonal")
"""Values of init_lora_weights that leave the base model as it is; PiSSA, OLoRA and the like change it."""

MUST_BE_EMPTY = (
    "use_dora",
    "lora_bias",
    "modules_to_save",
    "rank_pattern",
    "alpha_pattern",
    "layer_replication",
    "alora_invocation_tokens",
    "target_parameters",
    "trainable_token_indices",
    "use_qalora",
    "use_bdlora",
    "megatron_config",
)


@dataclass(frozen=True)
class Facts:
    """What was found in an adapter's folder that passed every check."""

    rank: int
    alpha: float
    modules: tuple[str, ...]
    sha256: str
    config: Mapping[str, Any]


def check_folder(folder: Path, base: BaseModel, max_rank: int, target_modules: Collection[str]) -> Facts:
    """Read an adapter's two files and check them against the base model and the server's limits.

    Raises:
        AdapterLoadError: with the first thing that is wrong, in words.
    """
    config = _read_config(folder)
    rank, alpha = _check_config(config, max_rank, target_modules)
    _check_base(config, base)
    try:
        header = read_header(_regular(folder / WEIGHTS))
    except TensorFileError as error:
        raise AdapterLoadError(f"Truncated or damaged adapter: {error}") from error
    modules = _check_tensors(header, base, rank, target_modules)
    if broken := first_not_finite(folder / WEIGHTS, header):
        raise AdapterLoadError(f"The adapter holds NaN or infinity in {broken}; the training diverged")
    return Facts(rank, alpha, modules, sha256_of(folder / WEIGHTS), config)


def sha256_of(path: Path) -> str:
    """The hash of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _regular(path: Path) -> Path:
    # A link could point anywhere, and could be pointed elsewhere after the check.
    if path.is_symlink() or not path.is_file():
        raise AdapterLoadError(f"The adapter's folder {path.parent.name} has no file {path.name}")
    return path


def _read_config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads(_regular(folder / CONFIG).read_text(encoding="utf-8"))
    except ValueError as error:
        raise AdapterLoadError(f"{CONFIG} of {folder.name} is not valid JSON: {error}") from error
    if not isinstance(config, dict):
        raise AdapterLoadError(f"{CONFIG} of {folder.name} is not a JSON object")
    return config


def _check_config(config: Mapping[str, Any], max_rank: int, target_modules: Collection[str]) -> tuple[int, float]:
    if config.get("peft_type") != "LORA":
        raise AdapterLoadError(f"The adapter is of type {config.get('peft_type')}, not LORA")
    rank, alpha = config.get("r"), config.get("lora_alpha")
    if type(rank) is not int or rank < 1:
        raise AdapterLoadError(f"The adapter's rank is {rank!r}")
    if rank > max_rank:
        raise AdapterLoadError(f"The adapter's rank {rank} is above the server's limit {max_rank}")
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not 0 < alpha < 1e6:
        raise AdapterLoadError(f"The adapter's lora_alpha is {alpha!r}")
    for option in MUST_BE_EMPTY:
        if config.get(option):
            raise AdapterLoadError(f"The adapter was trained with {option}, which is not served")
    if config.get("bias", "none") != "none":
        raise AdapterLoadError("The adapter was trained with bias, which is not served")
    if config.get("init_lora_weights") not in PLAIN_STARTS:
        raise AdapterLoadError(f"The adapter starts from {config['init_lora_weights']}, which changes the base model")
    listed = config.get("target_modules")
    if isinstance(listed, list):  # a pattern, as all-linear gives, is judged by the tensors
        _check_modules({str(module).rpartition(".")[2] for module in listed}, target_modules)
    return rank, float(alpha)


def _check_modules(modules: Iterable[str], target_modules: Collection[str]) -> None:
    if foreign := sorted(set(modules) - set(target_modules)):
        raise AdapterLoadError(f"The adapter changes {', '.join(foreign)}; the server serves {sorted(target_modules)}")


def _check_base(config: Mapping[str, Any], base: BaseModel) -> None:
    """The adapter was trained on this model: under the same path, or under another with the same fingerprint."""
    trained_on = config.get("base_model_name_or_path")
    if not isinstance(trained_on, str) or not trained_on:
        raise AdapterLoadError("The adapter does not say which base model it was trained on")
    if str(served_path(trained_on)) == base.path:
        return
    try:
        same = BaseModel.read(trained_on).fingerprint == base.fingerprint
    except BaseModelError:
        same = False
    if not same:
        raise AdapterLoadError(f"The adapter was trained on {trained_on}, and {base.path} is served")


def _check_tensors(header: Header, base: BaseModel, rank: int, target_modules: Collection[str]) -> tuple[str, ...]:
    halves: dict[str, set[str]] = {}
    for key, tensor in header.tensors.items():
        match = KEY.fullmatch(key)
        if match is None:
            raise AdapterLoadError(f"The adapter holds {key}, which is no LoRA weight")
        layer, half = match["layer"], match["half"]
        if layer not in base.layers:
            raise AdapterLoadError(f"The adapter changes {layer}, which the base model does not have")
        outputs, inputs = base.layers[layer]
        expected = (rank, inputs) if half == "A" else (outputs, rank)
        if tensor.shape != expected:
            raise AdapterLoadError(f"{key} has the shape {tensor.shape}; base model and rank ask for {expected}")
        if tensor.kind not in WIDTHS:
            raise AdapterLoadError(f"{key} holds {tensor.kind} values; LoRA weights are floats")
        halves.setdefault(layer, set()).add(half)
    if not halves:
        raise AdapterLoadError("The adapter holds no weights")
    if alone := [layer for layer, found in halves.items() if len(found) < 2]:
        raise AdapterLoadError(f"The adapter holds only half of {alone[0]}")
    modules = tuple(sorted({layer.rpartition(".")[2] for layer in halves}))
    _check_modules(modules, target_modules)
    return modules
