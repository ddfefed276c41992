"""Whether the tokenizer in a model's folder is that model's, judged by its vocabulary and its end token."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

COVERED = 0.9  # models pad their vocabulary by up to some percent; a foreign tokenizer is further off


def check_tokenizer(folder: Path, config: Mapping[str, Any]) -> str | None:
    """What is wrong, in words, or None. Knows ``tokenizer.json``; a folder without it is not judged."""
    path = folder / "tokenizer.json"
    vocabulary_size = config.get("vocab_size")
    if not path.is_file() or not isinstance(vocabulary_size, int):
        return None
    try:
        ids = _ids(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return f"tokenizer.json cannot be read ({type(error).__name__})"
    largest = max(ids.values(), default=-1)
    if largest >= vocabulary_size:
        return f"it has token ids up to {largest}, and the model knows {vocabulary_size}"
    if largest + 1 < COVERED * vocabulary_size:
        return f"it has {largest + 1} tokens, and the model knows {vocabulary_size}"
    return _wrong_end(folder, config, ids)


def _ids(content: Mapping[str, Any]) -> dict[str, int]:
    vocabulary = content["model"]["vocab"]
    if isinstance(vocabulary, list):  # unigram models list (token, score) pairs
        ids = {pair[0]: number for number, pair in enumerate(vocabulary)}
    else:
        ids = dict(vocabulary)
    return ids | {token["content"]: token["id"] for token in content.get("added_tokens", [])}


def _wrong_end(folder: Path, config: Mapping[str, Any], ids: Mapping[str, int]) -> str | None:
    """A model whose end token is another number than its tokenizer's never stops."""
    token = _optional(folder / "tokenizer_config.json").get("eos_token")
    if isinstance(token, dict):
        token = token.get("content")
    if not isinstance(token, str):
        return None
    if token not in ids:
        return f"its end token {token} is not in its vocabulary"
    expected = _numbers(config.get("eos_token_id")) | _numbers(
        _optional(folder / "generation_config.json").get("eos_token_id")
    )
    if expected and ids[token] not in expected:
        return f"its end token {token} is number {ids[token]}, and the model ends with {sorted(expected)}"
    return None


def _optional(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    return content if isinstance(content, dict) else {}


def _numbers(value: Any) -> set[int]:
    return set(value) if isinstance(value, list) else {value} if isinstance(value, int) else set()
