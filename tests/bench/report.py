# SPDX-License-Identifier: Apache-2.0
"""Writes the figures as JSON, as a Markdown page and as SVG plots. Start reading at write."""

import json
import statistics

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402 (the backend has to be chosen before)

from common import Curves, Table  # noqa: E402

# The first contender is ours.
COLOURS = ["#0b7285", "#e8590c", "#868e96", "#ced4da", "#845ef7", "#f06595", "#20c997"]
plt.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "svg.fonttype": "none",
                     "svg.hashsalt": "mvmm", "font.family": "sans-serif"})


def _bars(axes, table):
    """A group of bars for each case; from quartile to quartile a whisker."""
    height = 0.8 / len(table.contenders)
    for i, who in enumerate(table.contenders):
        for y, (_, cells) in enumerate(table.rows):
            samples = cells.get(who)
            if not samples:
                continue
            middle = statistics.median(samples)
            at = y + (i - (len(table.contenders) - 1) / 2) * height
            axes.barh(at, middle, height * 0.92, color=COLOURS[i], label=who if y == 0 else None)
            high = middle
            if len(samples) > 1:
                low, _, high = statistics.quantiles(samples, n=4)
                axes.plot([low, high], [at, at], color="#212529", linewidth=1)
            axes.annotate(f"{middle:,.{table.digits}f}", (high, at), xytext=(3, 0), textcoords="offset points", va="center", fontsize=7)
    axes.set_yticks(range(len(table.rows)), [case for case, _ in table.rows])
    axes.invert_yaxis()
    if table.log:
        axes.set_xscale("log")
    axes.margins(x=0.15)
    axes.set_title(f"{table.title}, {table.unit}", loc="left", fontweight="bold", fontsize=9)
    handles, labels = axes.get_legend_handles_labels()
    unique = dict(zip(labels, handles))
    axes.legend(unique.values(), unique.keys(), frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1, 1), ncols=len(unique), borderaxespad=0.2)


def _curves(axes, curves):
    for i, (who, samples) in enumerate(curves.samples.items()):
        ordered = sorted(samples)
        axes.plot(ordered, [(n + 1) / len(ordered) * 100 for n in range(len(ordered))], color=COLOURS[i], label=who, linewidth=1.6)
    axes.set_xscale("log")
    axes.set_ylabel("% that took at most")
    axes.grid(True, which="both", axis="x", color="#e9ecef")
    axes.set_title(f"{curves.title}, {curves.unit}", loc="left", fontweight="bold", fontsize=9)
    axes.legend(frameon=False, fontsize=8, loc="lower right")


def _height(part):
    return 0.7 + 0.24 * len(part.rows) * len(part.contenders) if isinstance(part, Table) else 2.6


def _plot(section, directory):
    heights = [_height(part) for part in section.parts]
    figure, axes = plt.subplots(len(heights), 1, figsize=(8, sum(heights) + 0.5 * len(heights)), squeeze=False,
                                gridspec_kw={"height_ratios": heights}, layout="constrained")
    for part, (axis,) in zip(section.parts, axes):
        (_curves if isinstance(part, Curves) else _bars)(axis, part)
    path = f"{directory}/{section.name}.svg"
    figure.savefig(path, metadata={"Date": None})
    # The repository has no white space at the ends of lines.
    with open(path) as f:
        lines = [line.rstrip() for line in f]
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n")
    plt.close(figure)


def _page(machine, sections, command):
    lines = ["# Benchmarks", "", f"`{command}` writes this page, the plots and [results.json](results.json). It measures everything again, and runs mvmm and the",
             "programs beside it in turns. Times of different runs and machines cannot be compared. A ratio is that program's figure divided by mvmm's.", "",
             "If a cell has three numbers, they are the median and, in brackets, the quartiles.", "", "| machine | |", "| --- | --- |"]
    lines += [f"| {what} | {value} |" for what, value in machine.items()]
    for section in sections:
        lines += ["", f"## {section.title}", section.text.rstrip(), "", f"![{section.title}]({section.name}.svg)"]
        for part in section.parts:
            lines += ["", f"### {part.title}", "", part.markdown()]
        for remark in section.remarks:
            lines += ["", remark]
    return "\n".join(lines) + "\n"


def write(directory, machine, sections, command):
    for section in sections:
        _plot(section, directory)
    with open(f"{directory}/results.json", "w") as f:
        json.dump({"machine": machine, "sections": [{"name": s.name, "title": s.title, "parts": [p.json() for p in s.parts],
                                                     "remarks": s.remarks} for s in sections]}, f, separators=(",", ":"))
        f.write("\n")
    with open(f"{directory}/README.md", "w") as f:
        f.write(_page(machine, sections, command))
