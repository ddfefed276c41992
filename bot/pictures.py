"""Draws one figure: JSON on standard input, a PNG on standard output.

A program of its own (`python -m bot.pictures`), never imported by the bot: matplotlib is large, and is gone again when
this process ends. Colours are Okabe and Ito's, which people who see colours differently can tell apart; shape and text
say the same once more. The paper is opaque and nearly white, so that it reads on Slack's light and dark ground alike.
The title is not drawn: the block that shows the picture says it.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

Data = dict[str, Any]

PAPER, INK, QUIET, RULE = "#fbfaf8", "#1d1c1d", "#5d5b60", "#dedbd6"
BLUE = "#0072b2"
LINES = {  # colour and marker of each group of probes, the same in every picture
    "identity": ("#0072b2", "o"),
    "rigour": ("#d55e00", "s"),
    "ability": ("#009e73", "^"),
    "mended": ("#cc79a7", "D"),
    "new": ("#8a6d00", "v"),
}
WIDTH, HEIGHT, DPI = 8.0, 4.4, 150
FEW_POINTS = 25
ENDS = (10, 25, 50, 100)  # where an axis of per cent may end


def main() -> None:
    """Draw what standard input describes."""
    os.nice(10)  # answers and training go first
    data: Data = json.load(sys.stdin)
    figure = DRAWINGS[data["kind"]](data)
    figure.savefig(sys.stdout.buffer, format="png", dpi=DPI, facecolor=PAPER)


def _blank(height: float = HEIGHT) -> tuple[Any, Any]:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    pyplot.rcParams.update(
        {
            "font.size": 12, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": RULE,
            "xtick.color": QUIET, "ytick.color": QUIET, "figure.facecolor": PAPER, "axes.facecolor": PAPER,
            "axes.spines.top": False, "axes.spines.right": False, "text.parse_math": False,
        }
    )  # fmt: skip
    figure, axes = pyplot.subplots(figsize=(WIDTH, height), layout=ConstrainedLayoutEngine(w_pad=0.18, h_pad=0.16))
    axes.tick_params(length=0, pad=6)
    return figure, axes


def _loss(data: Data) -> Any:
    figure, axes = _blank()
    steps, losses = zip(*data["points"], strict=True)
    axes.plot(steps, losses, color=BLUE, linewidth=2.4, marker="o" if len(steps) <= FEW_POINTS else "", markersize=5)
    axes.fill_between(steps, losses, color=BLUE, alpha=0.08, linewidth=0)
    axes.set_xlabel("Training step")
    axes.set_ylabel("Loss (cross-entropy per token)")
    axes.set_ylim(0, max(losses) * 1.15 or 1)
    # Room on both sides for what the first and the last value say, so that neither lies on the curve.
    axes.margins(x=0.09)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xticks([tick for tick in axes.get_xticks() if 0 <= tick <= steps[-1]])
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    for index, place, side in ((0, (-9, 0), "right"), (-1, (9, 0), "left")):
        axes.annotate(
            f"{losses[index]:.2f}", (steps[index], losses[index]), xytext=place, textcoords="offset points",
            color=BLUE, fontweight="bold", ha=side, va="center",
        )  # fmt: skip
    return figure


def _probes(data: Data) -> Any:
    from matplotlib.transforms import offset_copy

    figure, axes = _blank()
    versions, middle = data["versions"], (len(data["shares"]) - 1) / 2
    for position, (group, shares) in enumerate(data["shares"].items()):
        colour, marker = LINES[group]
        seen = [(index, share * 100) for index, share in enumerate(shares) if share is not None]
        if not seen:
            continue
        # A little beside each other, so that of lines and points in one place each is seen.
        aside = offset_copy(
            axes.transData, figure, x=9 * (position - middle), y=2.6 * (middle - position), units="points"
        )
        places, values = zip(*seen, strict=True)
        axes.plot(places, values, transform=aside, color=colour, linewidth=2.2, clip_on=False)
        axes.plot(
            places, values, transform=aside, color=colour, marker=marker, markersize=9, linestyle="none", zorder=3,
            label=f"{group}  {values[-1]:.0f}%", clip_on=False, markeredgecolor=PAPER, markeredgewidth=1,
        )  # fmt: skip
    axes.set_xticks(range(len(versions)), versions)
    axes.set_xlim(-0.3, len(versions) - 0.7)
    axes.set_ylim(0, 104)
    axes.set_yticks(range(0, 101, 25))
    axes.set_ylabel("Probes passed (%)")
    axes.set_xlabel("Version, oldest first")
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    figure.legend(
        loc="outside right center", frameon=False, title=f"in {versions[-1]}", alignment="left", labelspacing=0.9
    )
    return figure


def _thumbs(data: Data) -> Any:
    versions, down, answers = data["versions"], data["down"], data["answers"]
    figure, axes = _blank(height=max(2.6, 1.3 + 0.46 * len(versions)))
    rates = [100 * bad / asked for bad, asked in zip(down, answers, strict=True)]
    places = range(len(versions))
    axes.barh(places, rates, height=0.6, color=BLUE)
    axes.set_yticks(places, versions)
    axes.set_ylim(*((-0.7, len(versions) - 0.3) if len(versions) > 1 else (-1, 1)))
    end = next(end for end in ENDS if end >= min(100, max(rates) * 1.2))  # room to see that there is more
    axes.set_xlim(0, end)
    axes.set_xticks([end * part / 5 for part in range(6)])
    axes.set_xlabel("Answers with at least one thumbs-down (%)")
    axes.grid(axis="x", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines["bottom"].set_visible(False)
    for place, (rate, bad, asked) in enumerate(zip(rates, down, answers, strict=True)):
        axes.annotate(
            f"{rate:.0f}%  ({bad} of {asked})", (rate, place), xytext=(8, 0), textcoords="offset points", va="center",
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 2},
        )  # fmt: skip
    return figure


DRAWINGS: dict[str, Callable[[Data], Any]] = {"loss": _loss, "probes": _probes, "thumbs": _thumbs}

if __name__ == "__main__":
    main()
