"""How vLLM is started: the command and its environment, each flag with its reason, and waiting until it answers."""

import asyncio
import sys
import time
from collections.abc import Callable, Mapping

import httpx

from serving import cores, device, sharing
from serving.base import SERVED_BASE, served_path
from serving.errors import ServingUnavailable
from settings import ServingSettings

DROPPED = (
    "PYTHONDONTWRITEBYTECODE",  # without compiled files every start costs the imports again
    "VLLM_SERVER_DEV_MODE",  # opens calls that pause the engine or reload its weights
)
GUARD = "serving.guard.Guard"


def command(settings: ServingSettings) -> list[str]:
    """The argv of one vLLM server. The API key is not in it: a process list is readable by everyone."""
    argv = [
        sys.executable,
        *("-m", "vllm.entrypoints.openai.api_server"),  # `vllm serve` does not start with the CPU build's wheel
        *("--model", str(served_path(settings.base_model))),  # adapters name this string, to the letter
        *("--served-model-name", SERVED_BASE),
        *("--host", settings.host),
        *("--port", str(settings.port)),
        "--enable-lora",
        *("--max-loras", str(settings.max_loras)),  # live, canary, candidate and the zero adapter in one batch
        *("--max-cpu-loras", str(max(settings.max_loras, settings.max_cpu_loras))),
        *("--max-lora-rank", str(settings.max_lora_rank)),  # the trained rank: every request pays for this one
        # Without the list, a request for prompt_logprobs beside any other request kills the engine.
        *("--lora-target-modules", *settings.lora_target_modules),
        *("--max-model-len", str(settings.max_model_len)),
        *("--dtype", device.dtype(settings)),
        *("--scheduling-policy", "priority"),  # people before probes and paraphrases, once the batch is full
        *("--shutdown-timeout", "30"),  # with 0, SIGTERM leaves open streams hanging and the process does not end
        "--enable-prompt-tokens-details",
    ]
    if device.resolve(settings) == "cpu":
        argv += [
            *("--max-num-seqs", "16"),  # more streams at once slow each below reading speed on two cores
            *("--max-num-batched-tokens", "512"),  # a long prompt is read in pieces, so running answers go on
            "--enforce-eager",  # compiling costs more time at start than it saves on a small model
        ]
    else:
        argv += ["--gpu-memory-utilization", str(settings.gpu_memory_utilization)]
    if sharing.may_sleep(settings):
        argv += ["--enable-sleep-mode", "--middleware", GUARD]
    return argv


def environment(settings: ServingSettings, inherited: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables of that server: ``inherited`` (the caller's own), less what harms it, and vLLM's."""
    variables = {name: value for name, value in (inherited or {}).items() if name not in DROPPED}
    variables |= {
        # None: all installed ones load otherwise, and a broken one of another package stops the start. Nor the resolver
        # that would load an unknown name from a folder by itself: nobody would have checked the files.
        "VLLM_PLUGINS": "",
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True",
        "VLLM_COMPUTE_NANS_IN_LOGITS": "1",  # counts poisoned requests; nothing else tells
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",  # the model is a folder; a look-up would only wait for the network
    }
    if key := settings.api_key.get_secret_value():
        variables["VLLM_API_KEY"] = key
    if device.resolve(settings) == "cpu":
        variables["VLLM_CPU_KVCACHE_SPACE"] = str(settings.cpu_cache_gb)
        variables |= cores.reserving(variables)
    if sharing.may_sleep(settings):
        variables["VLLM_SERVER_DEV_MODE"] = "1"  # the only way to /sleep; what else it opens, the guard shuts
    return variables


async def wait_ready(url: str, timeout: float = 180, alive: Callable[[], bool] = lambda: True) -> float:  # noqa: ASYNC109
    """Wait until the server at ``url`` is well, and return the seconds that took.

    ``alive`` says whether its process still runs, so that a failed start is not waited out.

    Raises:
        ServingUnavailable: it is not ready in time, or its process has ended.
    """
    start = time.monotonic()
    async with httpx.AsyncClient(timeout=5) as http:
        while time.monotonic() - start < timeout:
            if not alive():
                raise ServingUnavailable(f"The model server for {url} ended while it was starting; see its log.")
            try:
                if (await http.get(f"{url.rstrip('/')}/health")).status_code == 200:
                    return time.monotonic() - start
            except httpx.TransportError:
                pass  # not listening yet
            await asyncio.sleep(0.25)
    raise ServingUnavailable(f"The model server at {url} was not ready after {timeout:.0f} s; see its log.")
