"""`make bench`: every table, one after the other, so that they do not share the cores."""

import subprocess
import sys
import tempfile
from pathlib import Path

from local import model


def main() -> None:
    """Run the benches; the exit status is that of the first one that fails."""
    with tempfile.TemporaryDirectory(prefix="mend-bench-") as folder:
        small = model.ensure(Path(folder) / "model")
        for command in (
            ["bench.bot"],
            ["bench.loop"],
            ["bench.start"],
            ["bench.swap", "--model", str(small)],
            ["bench.ab_simulation"],
            ["bench.growth"],
            ["bench.results"],
        ):
            print(f"== {' '.join(command)}", flush=True)
            if status := subprocess.run([sys.executable, "-m", *command], check=False).returncode:
                raise SystemExit(status)


if __name__ == "__main__":
    main()
