"""ms-swift in a process that stays: `python -m trainer.warm_program <descriptor> <idle seconds>`.

The imports are done and the base model is loaded once. Each training attaches a LoRA of its own and takes it off again,
so that the next one finds the base as it was loaded. All else that a training has left behind in the process is put
back too: the same rows and seed give the same bytes as a process of its own (tests/integration/test_trainer_warm.py).

Only this module imports torch and ms-swift, inside its functions, and no other module imports this one.
"""

import copy
import gc
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trainer.warm_link import Message, main


class Cancelled(Exception):
    """The training was cancelled before its first step."""


class Swift:
    """One base model, and trainings on it. It keeps the model that it was prepared with."""

    def __init__(self) -> None:
        self._base: Any = None
        self._processor: Any = None
        self._generation_config: Any = None

    def prepare(self, argv: Sequence[str]) -> Message:
        """Import everything and load the base model; on a GPU, rehearse.

        On two CPU cores a rehearsal takes 3 s from what else a run begins with, and makes its training 1 s shorter.
        """
        began = time.monotonic()
        from swift.pipelines.train.sft import SftArguments

        imported = time.monotonic()
        from swift.utils import parse_args

        args, _ = parse_args(SftArguments, list(argv))
        self._base, self._processor = args.get_model_processor()
        self._generation_config = copy.deepcopy(self._base.generation_config)
        loaded = time.monotonic()
        if "--use_cpu true" not in " ".join(argv):
            self._rehearse(argv)
        times = {"import": imported - began, "load": loaded - imported, "rehearse": time.monotonic() - loaded}
        return {"seconds": {name: round(seconds, 2) for name, seconds in times.items()}}

    def train(self, argv: Sequence[str], cancelled: threading.Event) -> None:
        """One training, as `python -m swift.cli.sft` would do it."""
        job = _job(self._base, self._processor, cancelled)
        self._base.generation_config = copy.deepcopy(self._generation_config)
        try:
            training = job(list(argv))
            # Not in a child: to send it the tokenizer takes seconds, and it would be a fork of a process that has CUDA.
            training.args.dataset_num_proc = None
            training.main()
        except Cancelled:
            print("The training was cancelled before its first step.", flush=True)
        finally:
            self._put_back()

    def holds(self) -> Message:
        """What the process has of the memory now."""
        return {"bytes": _resident_bytes(), "gpu_bytes": _gpu_bytes()}

    def _rehearse(self, argv: Sequence[str]) -> None:
        """One step on one row: what is imported or set up at its first use is there afterwards."""
        rows = Path(argv[argv.index("--dataset") + 1])
        shutil.rmtree(rows.parent, ignore_errors=True)
        rows.parent.mkdir(parents=True)
        turns = [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hello."}]
        rows.write_text(json.dumps({"messages": turns}) + "\n", encoding="utf-8")
        one_step = ("--max_steps", "1", "--save_strategy", "no", "--gradient_checkpointing", "false")
        self.train([*argv, *one_step], threading.Event())

    def _put_back(self) -> None:
        """Forget the training: a second one has to find what the first one found."""
        from accelerate.state import AcceleratorState, GradientState

        base = self._base
        for name in ("gradient_checkpointing_disable", "disable_input_require_grads"):
            getattr(base, name)()
        base.eval()
        AcceleratorState._reset_state(reset_partial_state=True)
        GradientState._reset_state()
        gc.collect()
        _empty_gpu()
        cache = os.environ.get("HF_DATASETS_CACHE")
        if cache:
            shutil.rmtree(Path(cache), ignore_errors=True)


def _job(base: Any, processor: Any, cancelled: threading.Event) -> Any:
    """ms-swift's own pipeline, with a base model that is loaded already."""
    from swift.pipelines.train.sft import SwiftSft

    class Job(SwiftSft):  # type: ignore[misc]
        def _prepare_model_tokenizer(self, **kwargs: Any) -> None:
            self.model, self.processor = base, processor
            self._prepare_generation_config()

        def train(self, trainer: Any) -> Any:
            try:
                if cancelled.is_set():
                    raise Cancelled
                trainer.add_callback(_stopper(cancelled))
                return super().train(trainer)
            finally:
                self.model.unload()
                base.__dict__.pop("peft_config", None)  # peft would warn of a second adapter

    return Job


def _stopper(cancelled: threading.Event) -> Any:
    """Ends the training after the step at which it is cancelled, without a save."""
    from transformers import TrainerCallback

    class Stopper(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
            return self._stopped(control)

        def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
            return self._stopped(control)

        def _stopped(self, control: Any) -> Any:
            if cancelled.is_set():
                control.should_training_stop, control.should_save = True, False
            return control

    return Stopper()


def _resident_bytes() -> int:
    """What this process holds of the machine's memory."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _gpu_bytes() -> int:
    """What this process holds on the GPU, without the few hundred MB of CUDA itself."""
    import torch

    return int(torch.cuda.memory_reserved()) if torch.cuda.is_available() else 0


def _empty_gpu() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main(Swift, sys.argv[1:])
