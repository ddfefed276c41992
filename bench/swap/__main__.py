"""Hot swaps under load: 16 streams that never pause, 20 adapters made live one after the other.

    python -m bench.swap [--model <folder of the base model>] [--swaps 20] [--streams 16] [--out bench/out/swap.json]
    python -m bench.swap --server http://127.0.0.1:8000 --base-model <folder> --adapters-dir <folder>

The first starts a vLLM of its own on this machine's CPU, with the small model if none is given; the second asks one
that runs (on a GPU, say), which has to read its adapters from that folder. A stream is *failed* when it raises or ends
without a reason, and *mixed* when one of its tokens is not what its adapter would say there (own_words.py). As a
control, the same check is made with the answers' names exchanged; it has to find nearly all of those. The adapters are
random: each changes every answer in its own way. Answers without a word are counted, and not looked at.

The exit status is 1 when an answer failed or was mixed, when a swap was not done, or when the control found too little.
"""

import argparse
import asyncio
from pathlib import Path

from bench.swap.measure import on_own_server, on_running_server
from bench.swap.report import report


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.swap", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", "--base-model", dest="model", type=Path, help="the base model")
    parser.add_argument(
        "--device", choices=["cpu", "cuda", "auto"], default="cpu", help="of the server that is started"
    )
    parser.add_argument("--server", help="URL of a vLLM that runs already")
    parser.add_argument("--adapters-dir", type=Path, help="where that one reads its adapters")
    parser.add_argument("--swaps", type=int, default=20)
    parser.add_argument("--streams", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=12, help="of each answer at most")
    parser.add_argument("--out", type=Path, default=Path("bench/out/swap.json"))
    options = parser.parse_args()
    sizes = options.swaps, options.streams, options.tokens
    if options.server:
        if options.model is None or options.adapters_dir is None:
            parser.error("--server needs --base-model and --adapters-dir")
        found = asyncio.run(on_running_server(options.server, options.model, options.adapters_dir, *sizes))
    else:
        found = asyncio.run(on_own_server(options.model, options.device, *sizes))
    raise SystemExit(0 if report(found, options.out) else 1)


if __name__ == "__main__":
    main()
