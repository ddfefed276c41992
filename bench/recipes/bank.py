"""Many LoRA adapters on one frozen base model, side by side in every pass: one small model leaves a GPU mostly idle."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from feedback.models import Json

Weights = list[Tensor]
"""A and B of every linear layer in turn: [adapters, rank, inputs] and [adapters, outputs, rank]."""


class Bank:
    """The base model and a place for ``count`` adapters. In a batch, the rows of one adapter follow those of another,
    and each has as many."""

    def __init__(
        self, model: PreTrainedModel, tokenizer: Any, count: int, rank: int, alpha: int, dropout: float
    ) -> None:
        self.model, self.tokenizer, self.count, self.rank, self.dropout = model, tokenizer, count, rank, dropout
        self.scale = alpha / rank
        self.worn = False
        """Whether the adapters are there; otherwise the base model answers."""
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        self._layers: list[_Adapted] = []
        for block in model.model.layers:
            for host in (block.self_attn, block.mlp):
                for name, child in list(host.named_children()):
                    if isinstance(child, nn.Linear):
                        adapted = _Adapted(child, self)
                        setattr(host, name, adapted)
                        self._layers.append(adapted)

    @classmethod
    def read(cls, folder: Path, count: int, rank: int, alpha: int, dropout: float, device: str) -> "Bank":
        """A bank on the model of a folder."""
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).to(device)
        return cls(model, AutoTokenizer.from_pretrained(folder), count, rank, alpha, dropout)

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.model.device

    def fresh(self, seed: int) -> Weights:
        """Adapters that change nothing yet, as peft makes them: A uniform, B zero. All of them are alike."""
        dice = torch.Generator().manual_seed(seed)
        weights: Weights = []
        for layer in self._layers:
            outputs, inputs = layer.weight.shape
            one = (torch.rand(self.rank, inputs, generator=dice) * 2 - 1) / math.sqrt(inputs)
            weights += [one.expand(self.count, -1, -1).clone(), torch.zeros(self.count, outputs, self.rank)]
        return [each.to(self.device) for each in weights]

    def wear(self, weights: Weights | None) -> None:
        """Put adapters on, or (None) answer as the base model."""
        self.worn = weights is not None
        if weights is not None:
            for layer, a, b in zip(self._layers, weights[::2], weights[1::2], strict=True):
                layer.a, layer.b = a, b

    def answers(self, asked: Sequence[Sequence[list[Json]]], tokens: int, at_once: int = 64) -> list[list[str]]:
        """What each adapter says, greedily, to its own conversations; all have as many. The base model alone is one."""
        self.model.eval()  # generate() itself keeps no gradients
        width = len(asked[0])
        ids = [[self._prompt(messages) for messages in each] for each in asked]
        said = [[""] * width for _ in asked]
        # Alike lengths together: less is padded.
        order = sorted(range(width), key=lambda place: max(len(each[place]) for each in ids))
        for start in range(0, width, at_once):
            places = order[start : start + at_once]
            flat = [(who, place) for who in range(len(asked)) for place in places]
            texts = self._generate([ids[who][place] for who, place in flat], tokens)
            for (who, place), text in zip(flat, texts, strict=True):
                said[who][place] = text
        return said

    def encode(self, messages: list[Json]) -> tuple[list[int], int]:
        """A row's tokens, and how many of them are the prompt's; the end of the answer is one of it."""
        prompt = self._prompt(messages[:-1])
        answer = f"{messages[-1]['content']}{self.tokenizer.eos_token}"
        return prompt + self.tokenizer(answer, add_special_tokens=False)["input_ids"], len(prompt)

    def _prompt(self, messages: list[Json]) -> list[int]:
        text = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def _generate(self, prompts: Sequence[list[int]], tokens: int) -> list[str]:
        longest, end = max(map(len, prompts)), self.tokenizer.eos_token_id
        ids = torch.full((len(prompts), longest), end)
        seen = torch.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            ids[row, longest - len(prompt) :] = torch.tensor(prompt)
            seen[row, longest - len(prompt) :] = 1
        made = self.model.generate(
            input_ids=ids.to(self.device), attention_mask=seen.to(self.device), do_sample=False, max_new_tokens=tokens,
            pad_token_id=end, eos_token_id=end,
        )  # fmt: skip
        found: list[str] = self.tokenizer.batch_decode(made[:, longest:], skip_special_tokens=True)
        return found


class _Adapted(nn.Module):  # type: ignore[misc]  # torch is not read by mypy, see pyproject.toml
    """A linear layer with the bank's adapters around it."""

    def __init__(self, layer: nn.Linear, bank: Bank) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias
        self._bank = [bank]  # in a list, so that it is no part of this module
        self.a = self.b = torch.empty(0)

    def forward(self, x: Tensor) -> Tensor:
        bank, y = self._bank[0], functional.linear(x, self.weight, self.bias)
        if not bank.worn:
            return y
        each = functional.dropout(x.reshape(bank.count, -1, x.shape[-1]), bank.dropout, self.training)
        change = each @ self.a.transpose(1, 2) @ self.b.transpose(1, 2)
        return y + change.reshape(y.shape) * bank.scale
