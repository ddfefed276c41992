"""Trainings by ms-swift in this process, one after the other, with the moment of every phase written down.

    python -m bench.gpu.phases <jobs.json> <report.json>

Jobs are ``{"stacks": <file or null>, "jobs": [{"name": ..., "argv": [...]}]}``. The report is written anew after each
job, so that one which is killed does not take the others along. The first job of a process is as cold as a user's; in
the later ones the imports are done, and the libraries have been used before.
"""

import contextlib
import gc
import json
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.gpu.stacks import Sampler

Marks = dict[str, Any]


class Notes:
    """The moments of the job under way."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Forget the job before."""
        self.marks: Marks = {}
        self.steps: list[float] = []
        self.loading = 0.0

    def mark(self, name: str) -> None:
        """Note the first time of something."""
        self.marks.setdefault(name, time.time())


def main() -> None:
    jobs, report = (Path(word) for word in sys.argv[1:3])
    content = json.loads(jobs.read_text(encoding="utf-8"))
    sampler = Sampler(Path(content["stacks"])) if content["stacks"] else None
    if sampler:
        sampler.start()
    began = time.time()
    import torch

    torch_at = time.time()
    import swift.trainers  # noqa: F401  (what sft_main would import)
    from swift.pipelines import sft_main

    imported = {"process": began, "torch": torch_at, "imports": time.time()}
    notes = Notes()
    _watch(notes, torch)
    done: list[dict[str, Any]] = []
    for job in content["jobs"]:
        notes.begin()
        done.append(_run(job, notes, sft_main, torch) | {"imported": imported if not done else {}})
        report.write_text(json.dumps(done), encoding="utf-8")
    if sampler:
        sampler.stop()


def _run(job: dict[str, Any], notes: Notes, sft_main: Callable[[list[str]], Any], torch: Any) -> dict[str, Any]:
    error = ""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    notes.mark("start")
    try:
        sft_main(job["argv"])
    except Exception:
        # Broad: a variant that a library refuses must not take the others along.
        error = traceback.format_exc(limit=-3)
    notes.mark("end")
    peak = torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else None
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return {
        "name": job["name"],
        "marks": notes.marks,
        "steps": notes.steps,
        "loading": notes.loading,
        "peak_gb": peak,
        "error": error,
    }


def _watch(notes: Notes, torch: Any) -> None:
    """Have the libraries say when they are where."""
    import transformers
    from swift.pipelines.train.sft import SwiftSft
    from transformers import trainer_callback

    _after(transformers.PreTrainedModel, "from_pretrained", notes, "loaded")
    for method, name in (("_prepare_template", "template"), ("_prepare_dataset", "dataset"), ("train", "trained")):
        _after(SwiftSft, method, notes, name)

    class Steps(transformers.TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            notes.mark("train begin")

        def on_step_begin(self, *_: Any, **__: Any) -> None:
            notes.mark("first step begin")
            self.began = time.time()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            notes.mark("first step end")
            notes.marks["last step end"] = time.time()
            notes.steps.append(time.time() - self.began)

        def on_train_end(self, *_: Any, **__: Any) -> None:
            notes.mark("train end")

    handler = trainer_callback.CallbackHandler
    begin = handler.__init__

    def with_steps(self: Any, callbacks: Any, *rest: Any, **named: Any) -> None:
        notes.mark("trainer")
        begin(self, [*callbacks, Steps()], *rest, **named)

    handler.__init__ = with_steps


def _after(owner: Any, method: str, notes: Notes, name: str) -> None:
    """Note when a method has returned, for the first time."""
    before = owner.__dict__[method]
    inner = before.__func__ if isinstance(before, classmethod) else before

    def timed(*args: Any, **named: Any) -> Any:
        began = time.time()
        try:
            return inner(*args, **named)
        finally:
            notes.mark(name)
            if name == "loaded":
                notes.loading += time.time() - began

    setattr(owner, method, classmethod(timed) if isinstance(before, classmethod) else timed)


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
