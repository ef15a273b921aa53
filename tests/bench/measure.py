"""Taking turns, medians, and the printed table. Knows nothing of what is measured."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the result: what is compared, how long ours and the peer took (seconds), the
    ratio as the target states it, and whether a higher one is better."""

    name: str
    ours_s: float
    peer_s: float
    target: float
    at_least: bool = False

    @property
    def ratio(self) -> float:
        """The peer's time by ours where the target is "so many times faster", else ours by the
        peer's."""
        return self.peer_s / self.ours_s if self.at_least else self.ours_s / self.peer_s

    @property
    def met(self) -> bool:
        return self.ratio >= self.target if self.at_least else self.ratio <= self.target

    def line(self) -> list[str]:
        sign = "≥" if self.at_least else "≤"
        return [
            self.name,
            f"{self.ours_s * 1000:.3f}",
            f"{self.peer_s * 1000:.3f}",
            f"{self.ratio:.2f}",
            f"{sign} {self.target}",
            "met" if self.met else "MISSED",
        ]


COLUMNS = ["figure", "ours ms", "peer ms", "ratio", "target", ""]


def cpu_in_turns(
    ours: Callable[[], Any], peer: Callable[[], Any], *, calls: int, turns: int
) -> tuple[float, float]:
    """The median CPU seconds of one call of each, from ``turns`` turns of ``calls`` calls, after a
    warm-up of a tenth."""
    for _ in range(max(1, calls // 10)):
        ours()
        peer()
    taken: tuple[list[float], list[float]] = ([], [])
    for turn in range(turns):
        # Whoever begins a round alternates too: A B, B A, A B …
        order = ((0, ours), (1, peer)) if turn % 2 == 0 else ((1, peer), (0, ours))
        for place, call in order:
            began = time.process_time()
            for _ in range(calls):
                call()
            taken[place].append((time.process_time() - began) / calls)
    return median(taken[0]), median(taken[1])


def show(title: str, columns: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """A table on standard output: the first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in [columns, *lines]) for i in range(len(columns))]
    out = [f"\n{title}", _row(columns, widths), "-" * (sum(widths) + 2 * len(widths))]
    out += [_row(line, widths) for line in lines]
    sys.stdout.write("\n".join(out) + "\n")
    sys.stdout.flush()


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = zip(cells, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)])
