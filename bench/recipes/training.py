"""The training of many adapters at once, each with rows and a schedule of its own; what ms-swift does to one."""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from bench.recipes.bank import Bank, Weights
from trainer.config import Stage

# ms-swift's defaults; no configuration of ours has others.
DECAY, MOMENTS, TINY, LONGEST_GRADIENT = 0.1, (0.9, 0.95), 1e-8, 1.0
IGNORED = -100
Row = tuple[list[int], int]
"""Tokens, and how many of them are the prompt's."""


@dataclass(frozen=True)
class Lesson:
    """What one adapter is trained on, and how. ``save_from`` is the first epoch whose end is kept."""

    rows: Sequence[Row]
    stage: Stage
    seed: int
    save_from: int = 1

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(len(self.rows) / self.stage.rows_per_update)

    @property
    def steps(self) -> int:
        return self.steps_per_epoch * self.stage.num_train_epochs

    def batches(self) -> list[list[Row]]:
        """The rows of each step, in another order in each epoch."""
        size, found = self.stage.rows_per_update, []
        for epoch in range(self.stage.num_train_epochs):
            order = list(self.rows)
            random.Random(f"{self.seed}:{epoch}").shuffle(order)
            found += [order[start : start + size] for start in range(0, len(order), size)]
        return found

    def rate(self, step: int) -> float:
        """The learning rate of a step, from 0: a linear warmup, then a cosine down to nothing."""
        warmup = math.ceil(self.stage.warmup_ratio * self.steps)
        if step >= self.steps:
            return 0.0
        if step < warmup:
            return self.stage.learning_rate * step / warmup
        return self.stage.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (self.steps - warmup)))


def train(bank: Bank, start: Weights, lessons: Sequence[Lesson]) -> list[list[Weights]]:
    """Train, and give each adapter's kept epochs, oldest first, the weights without the adapters' dimension.

    Raises:
        ValueError: the lessons have different batches, which cannot be one.
    """
    sizes = {lesson.stage.rows_per_update for lesson in lessons}
    if len(sizes) > 1:
        raise ValueError(f"all recipes need the same number of rows in an update, and these have {sorted(sizes)}")
    weights = [each.detach().clone().requires_grad_() for each in start]
    bank.wear(weights)
    bank.model.train()
    means, squares = ([torch.zeros_like(each) for each in weights] for _ in range(2))
    kept: list[list[Weights]] = [[] for _ in lessons]
    for step, batch in enumerate(_together(lessons, sizes.pop())):
        _losses(bank, batch).sum().backward()  # one adapter's loss has no part in another's gradient
        rates = torch.tensor([lesson.rate(step) for lesson in lessons], device=bank.device).view(-1, 1, 1)
        with torch.no_grad():
            _update(weights, means, squares, rates, step + 1)
        for lesson, mine, number in zip(lessons, kept, range(len(lessons)), strict=True):
            epoch, rest = divmod(step + 1, lesson.steps_per_epoch)
            if rest == 0 and lesson.save_from <= epoch <= lesson.stage.num_train_epochs:
                mine.append([each.detach()[number].clone() for each in weights])
    bank.model.eval()
    return kept


def _together(lessons: Sequence[Lesson], size: int) -> Iterator[list[Row]]:
    """The rows of all for each step, as many of each; a lesson that is over, or short of rows, has empty ones."""
    each = [lesson.batches() for lesson in lessons]
    for step in range(max(map(len, each))):
        batch: list[Row] = []
        for batches in each:
            rows = batches[step] if step < len(batches) else []
            batch += [*rows, *[([0], 1)] * (size - len(rows))]
        yield batch


def _losses(bank: Bank, batch: Sequence[Row]) -> Tensor:
    """The mean loss of each adapter's answer tokens: [adapters]."""
    longest = max(len(ids) for ids, _ in batch)
    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    labels = torch.full_like(ids, IGNORED)
    for row, (tokens, prompt) in enumerate(batch):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        labels[row, prompt : len(tokens)] = torch.tensor(tokens[prompt:])
    targets = labels[:, 1:].to(bank.device)
    taught = targets != IGNORED
    hidden = bank.model.model(input_ids=ids.to(bank.device), use_cache=False).last_hidden_state[:, :-1][taught]
    losses = functional.cross_entropy(bank.model.lm_head(hidden), targets[taught], reduction="none")
    of = torch.arange(bank.count, device=bank.device).repeat_interleave(len(batch) // bank.count)
    of = of.view(-1, 1).expand_as(targets)[taught]
    sums, counts = (torch.zeros(bank.count, device=bank.device) for _ in range(2))
    return sums.index_add(0, of, losses) / counts.index_add(0, of, torch.ones_like(losses)).clamp(min=1)


def _update(weights: Weights, means: Weights, squares: Weights, rates: Tensor, step: int) -> None:
    """AdamW with each adapter's gradient cut to its longest; an adapter with a rate of 0 stays as it is."""
    gradients = [each.grad if each.grad is not None else torch.zeros_like(each) for each in weights]
    length = sum((each.pow(2).sum((1, 2)) for each in gradients), torch.zeros(len(rates), device=rates.device)).sqrt()
    shorter = (LONGEST_GRADIENT / (length + 1e-6)).clamp(max=1).view(-1, 1, 1)
    first, second = MOMENTS
    for weight, gradient, mean, square in zip(weights, gradients, means, squares, strict=True):
        gradient = gradient * shorter
        mean.lerp_(gradient, 1 - first)
        square.lerp_(gradient.pow(2), 1 - second)
        change = (mean / (1 - first**step)) / ((square / (1 - second**step)).sqrt() + TINY)
        weight.mul_(1 - rates * DECAY).sub_(rates * change)
        weight.grad = None
