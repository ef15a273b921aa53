"""``python -m tests.bench``: the performance tables. A missed target is said, and is no failure:
the machine's load decides about the times, the reader about the ratios."""

from __future__ import annotations

import argparse
import sys

from infra.local import settings as local
from infra.package import BUILD, LIMIT_MIB, Package, sizes


def main(arguments: list[str] | None = None) -> int:
    """Print every table."""
    chosen = _chosen(arguments)
    # Before anything of the service asks for its settings.
    deployment = local.deployment(root_secret="bench" * 8, table="crm-bench")
    # No line of the service among the tables; where lines are measured, they are made.
    local.apply({**deployment, "LOG_LEVEL": "CRITICAL"})
    from tests.bench import (
        announcing,
        budget,
        cold,
        contention,
        contention_model,
        deletion,
        listing,
        log_line,
        measure,
        searching,
        whole,
        wire,
    )

    if chosen.contention:
        found = contention.lines(seconds=chosen.contention)
        measure.show("Contention", contention.COLUMNS, found)
    if chosen.deletion:
        measure.show("Deletion", deletion.COLUMNS, deletion.lines())
    if chosen.due:
        measure.show("Due at once", announcing.COLUMNS, announcing.lines(many=chosen.due))
    if chosen.searched:
        found = searching.lines((chosen.searched,))
        measure.show("Searches", searching.COLUMNS, found)
    model = contention_model.lines()
    measure.show("Contention, in a model of DynamoDB", contention_model.COLUMNS, model)
    measure.show("Trips, units and latency", budget.COLUMNS, budget.lines(draws=chosen.draws))
    sys.stdout.write(budget.ASSUMED + "\n")
    figures: list[measure.Figure] = whole.figures(calls=chosen.calls, turns=chosen.turns)
    figures += log_line.figures(calls=chosen.calls, turns=chosen.turns)
    figures.append(listing.figure(calls=max(1, chosen.calls // 20), turns=chosen.turns))
    if chosen.pairs:
        figures += cold.figures(pairs=chosen.pairs)
    figures += wire.figures(calls=chosen.calls, turns=chosen.turns, pairs=chosen.pairs)
    measure.show("Ratios", measure.COLUMNS, [figure.line() for figure in figures])
    measure.show("Packages", ["function with its layer", "MiB zipped", "limit"], packages())
    return 0


def _chosen(arguments: list[str] | None) -> argparse.Namespace:
    """``--calls`` and ``--turns`` say how long the warm figures are measured, ``--pairs`` how many
    fresh processes of each kind are started (0: none)."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument("--turns", type=int, default=12)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--draws", type=int, default=20_000)
    parser.add_argument("--deletion", type=int, default=1, help="0: no deletions")
    parser.add_argument("--due", type=int, default=2_000, help="0: no announcements")
    parser.add_argument("--searched", type=int, default=10_000, help="customers (0: no searches)")
    parser.add_argument("--contention", type=float, default=4, help="seconds a line (0: none)")
    return parser.parse_args(arguments)


def packages() -> list[list[str]]:
    """What lies in the build folder as it is; nothing where ``make package`` has not run."""
    package = Package(layer=BUILD / "layer", functions=BUILD / "functions")
    if not package.layer.is_dir() or not package.functions.is_dir():
        return [["not built: run `make package`", "-", "-"]]
    return [[name, f"{size / 2**20:.2f}", str(LIMIT_MIB)] for name, size in sizes(package).items()]


if __name__ == "__main__":
    sys.exit(main())
