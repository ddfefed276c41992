"""What vLLM computes with on this machine's CPU: answers in bfloat16, which it takes by itself, and in float32.

    python -m bench.dtype [--model <folder of the base model>] [--out bench/out/dtype.json]

The persona's general probes are asked with an adapter, one, two, four and eight at a time, of two servers one after the
other. A CPU without instructions for bfloat16 imitates it; `serving.device.dtype` decides by that. Some minutes.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from bench.report import Cell, Report, Table, hand_in
from bench.swap.random_adapter import write_random_adapter
from bench.vllm_server import VllmServer
from bot.memory import compose
from feedback.persona import load_persona
from local import model as small_model
from serving import device
from serving.adapter_files import publish
from serving.adapters import Replicas
from serving.base import BaseModel
from serving.chat import ChatClient, Sampling
from settings import ROOT, Settings
from trainer.probes import ProbeGroup, load_probes

DTYPES = ("bfloat16", "float32")
AT_ONCE = (1, 2, 4, 8)
ASKED = 20
TOKENS = 16


async def measure(model: Path, dtype: str) -> list[float]:
    """Tokens a second with each number of answers at once."""
    persona = load_persona(ROOT / "persona" / "persona.yaml")
    probes = load_probes(ROOT / "persona" / "probes.yaml", persona)
    prompts = [probe.prompt for probe in probes if probe.group is ProbeGroup.ABILITY and probe.language == "en"]
    with tempfile.TemporaryDirectory(prefix="mend-bench-") as folder:
        server, base = VllmServer(model, Path(folder), dtype=dtype), BaseModel.read(model)
        await server.start()
        try:
            source = write_random_adapter(Path(folder) / "source", base, seed=1, scale=0.0)
            name = publish(source, server.settings, base, "bench", 1).name
            async with ChatClient(server.settings) as client, Replicas(server.settings) as replicas:
                await replicas.load(name)
                system = persona.system_prompt
                await pace(client, name, system, prompts[:2], 2)  # the first answers of a server are slower
                return [await pace(client, name, system, prompts[:ASKED], number) for number in AT_ONCE]
        finally:
            server.stop()


async def pace(client: ChatClient, name: str, system: str, prompts: list[str], number: int) -> float:
    """Tokens a second of all answers together, so many of them at once."""
    turns, tokens = asyncio.Semaphore(number), 0

    async def ask(prompt: str) -> None:
        nonlocal tokens
        sampling = Sampling(temperature=0, max_tokens=TOKENS)
        async with turns, client.stream(compose(system, (), prompt), name, sampling) as stream:
            async for _ in stream:
                pass
        tokens += stream.completion.completion_tokens

    began = time.monotonic()
    await asyncio.gather(*map(ask, prompts))
    return tokens / (time.monotonic() - began)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.dtype", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="the base model; made from its package otherwise")
    parser.add_argument("--out", type=Path, default=Path("bench/out/dtype.json"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mend-bench-") as folder:
        model = options.model or small_model.ensure(Path(folder) / "model")
        found = {dtype: asyncio.run(measure(model, dtype)) for dtype in DTYPES}
    rows: list[list[Cell]] = [
        [number, *paces, paces[1] / paces[0]]
        for number, paces in zip(AT_ONCE, zip(*found.values(), strict=True), strict=True)
    ]
    chosen = device.dtype(Settings().serving.model_copy(update={"device": "cpu"}))
    note = f"Mend serves with {chosen} here (auto: as vLLM decides, which is bfloat16)."
    columns = ["answers at once", *(f"{dtype}, tokens/s" for dtype in DTYPES), "float32 : bfloat16"]
    hand_in(
        Report("dtype", [Table("With an adapter", columns, rows, [note])], {"tokens_per_second": found}), options.out
    )


if __name__ == "__main__":
    main()
