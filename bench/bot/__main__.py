"""What the bot adds to an answer, beside a plain Bolt listener: 30 people talking at once, and 30 and 200 questions in
the same instant. Nothing lost, nothing doubled, acknowledged in time, Slack's limits kept.

    python -m bench.bot [--pace 0.05] [--words 150] [--loads talk,30,200] [--beside OTHER_CHECKOUT] [--out bench/out]

Starts PostgreSQL and the sandbox as the demo does, and in place of vLLM a stand-in that says words at a steady pace
(paced_model.py): this measures the bot, not the model. Then, one after the other on that same sandbox, Mend's bot and
``plain_bolt.py``; with ``--beside`` also the bot of another checkout, to compare two versions.

**Added**, for one question, is the sum of two intervals, all stamped by ``time.time()`` of this machine:

- *before*: from when the sandbox has written the first envelope with the question to its socket (of a mention there are
  two) until the stand-in begins to read the request with that question;
- *after*: from when the first 40 characters of the answer had left the stand-in until the call with the answer's first
  text (``chat.startStream``) arrived at the sandbox. Mend waits for 40 characters on purpose (``FIRST_TEXT`` in
  bot/limits.py); of the plain listener it is counted from the 256 that ``chat_stream`` waits for.

The stand-in's own time between the two does not count. What the other processes make the bot wait for on a shared
machine does: they all are on the same cores, and an envelope or a call lies in the sandbox's queue until it is read.

What Mend holds back on purpose is kept apart. Under Slack's limits (20 streams a minute) the other answers are posted
whole at their end, and of 200 questions all but ``max_running_answers`` wait for their turn; neither counts as added,
and the table says how many there were and how long they waited. *talk* lifts both limits, so that every question
counts: they come evenly, so that about 30 answers run at any time.

Also counted: the time from a slash command's envelope to its acknowledgement, the memory and the CPU time of the app's
process (of all figures the one that other programs disturb least), Slack calls of each answer, and answers lost,
doubled or not as the model said them. The exit status is 1 when a limit of
Mend's is not kept; the goals for what is added are marked, and do not fail it: they depend on what else the machine
does.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from bench.bot.apps import MEND, PLAIN, App
from bench.bot.measure import all_loads, measure
from bench.bot.report import report


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.bot", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pace", type=float, default=0.05, help="seconds between two words of one answer")
    parser.add_argument("--words", type=int, default=150, help="words of one answer")
    parser.add_argument("--loads", default="talk,30,200", help="which of them to run")
    parser.add_argument("--beside", type=Path, help="another checkout, whose bot is measured too")
    parser.add_argument("--out", type=Path, default=Path("bench/out"), help="folder for bot.json and bot.png")
    options = parser.parse_args()
    loads = [load for load in all_loads(options.pace, options.words) if load.name in options.loads.split(",")]
    apps = [MEND, PLAIN]
    if options.beside:
        other = options.beside.resolve()
        apps.insert(0, App("beside", f"Mend of {other.name}", MEND.first_text, other))
    with tempfile.TemporaryDirectory(prefix="mend-bench-") as folder:
        measured = measure(Path(folder), apps, loads, options.pace, options.words)
    if not report(measured, loads, apps, options.pace, options.words, options.out):
        sys.exit(1)


if __name__ == "__main__":
    main()
