"""What the deployment costs, at list price: counted from the templates, and written to a page.

``make costs`` writes ``docs/costs.md``. The fixed part is counted: so many alarms, rules, keys. The
part per call is computed from assumptions, which the page names.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.settings import Environment
from shared.keys import INDEXES
from shared.routes import Route

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "costs.md"

PRICES = {
    "alarm": (0.10, "a metric of an alarm, a month"),
    "composite": (0.50, "an alarm of alarms, a month"),
    "dashboard": (3.00, "a dashboard, a month"),
    "metric": (0.30, "a metric of our own or of a route, a month, by the hours that have data"),
    "insights": (0.50, "a rule of Contributor Insights, a month"),
    "matched": (0.02, "a million lines that such a rule counts"),
    "secret": (0.40, "a secret, a month"),
    "key": (1.00, "a KMS key, a month"),
    "acl": (5.00, "a web ACL, a month"),
    "acl_rule": (1.00, "a rule of a web ACL, a month"),
    "inspected": (0.60, "a million requests before a web ACL"),
    "request": (3.50, "a million requests of a REST API"),
    "invocation": (0.20, "a million invocations"),
    "gb_second": (13.3334, "a million GB-seconds on arm64"),
    "read_unit": (0.125, "a million read units, on demand"),
    "write_unit": (0.625, "a million write units, on demand"),
    "log_gb": (0.50, "a GB of log, taken in"),
    "event": (1.00, "a million events of our own"),
    "archive_gb": (0.10, "a GB put into the archive"),
    "out_gb": (0.09, "a GB out to the internet"),
}
"""Dollars in us-east-1, without the free tier."""

READ_UNITS = {"read": 2, "write": 4}
WRITE_UNITS = 13
"""The mean of ``tests/contract/costs.json``, rounded. A test compares them."""
BILLED_MS = {"read": 25, "write": 60, "publisher": 40, "search": 60}
LOG_BYTES = {"answered": 570, "platform": 350, "access": 400}
ANSWER_BYTES, EVENT_BYTES = 1_500, 1_500
WRITES_PER_CENT = 20
SWEEPS = 60 * 24 * 365 // 12
SWEEP_MS, SWEEP_READ_UNITS, SWEEP_LOG_BYTES = 100, 3, 1_200
METRICS_OF_A_ROUTE = ("4XXError", "5XXError", "Count", "IntegrationLatency", "Latency")
METRICS_OF_THE_JOBS = 4
RULES_OF_A_TABLE = 2
"""DynamoDB makes one rule for partition keys and one for whole keys."""

Templates = Mapping[str, Mapping[str, Any]]
Families = Mapping[str, Sequence[Route]]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill: so many of something, at its price. ``per``: the price is for so many."""

    name: str
    number: float
    price: str
    per: int = 1

    @property
    def dollars(self) -> float:
        return self.number / self.per * PRICES[self.price][0]


def resources(templates: Templates, kind: str) -> list[dict[str, Any]]:
    """Returns the properties of all resources of a kind."""
    return [
        each.get("Properties", {})
        for template in templates.values()
        for each in template["Resources"].values()
        if each["Type"] == kind
    ]


def idle(environment: Environment, templates: Templates) -> list[Line]:
    """Returns the bill of a month without a single call."""
    alarms = resources(templates, "AWS::CloudWatch::Alarm")
    read = sum(max(1, sum("MetricStat" in m for m in each.get("Metrics", ()))) for each in alarms)
    acls = resources(templates, "AWS::WAFv2::WebACL")
    rules = len(resources(templates, "AWS::CloudWatch::InsightRule"))
    if environment.contributor_insights:
        rules += RULES_OF_A_TABLE * (1 + len(INDEXES))
    gb_seconds = SWEEPS * SWEEP_MS / 1000 * environment.memory_mb / 1024
    return [
        Line("metrics of alarms", read, "alarm"),
        Line(
            "alarms of alarms",
            len(resources(templates, "AWS::CloudWatch::CompositeAlarm")),
            "composite",
        ),
        Line("dashboards", len(resources(templates, "AWS::CloudWatch::Dashboard")), "dashboard"),
        Line("metrics of the scheduled work", METRICS_OF_THE_JOBS, "metric"),
        Line("rules of Contributor Insights", rules, "insights"),
        Line("secrets", len(resources(templates, "AWS::SecretsManager::Secret")), "secret"),
        Line("keys", len(resources(templates, "AWS::KMS::Key")), "key"),
        Line("web ACLs", len(acls), "acl"),
        Line("rules of web ACLs", sum(len(acl["Rules"]) for acl in acls), "acl_rule"),
        Line("the sweeper's runs", SWEEPS, "invocation", 10**6),
        Line("the sweeper's GB-seconds", round(gb_seconds), "gb_second", 10**6),
        Line("the sweeper's read units", SWEEPS * SWEEP_READ_UNITS, "read_unit", 10**6),
        Line("the sweeper's log, GB", SWEEPS * SWEEP_LOG_BYTES / 10**9, "log_gb"),
    ]


def in_use(environment: Environment, families: Families) -> list[Line]:
    """Returns what a month costs in addition, as soon as each route is called in each hour."""
    rows = [row for routes in families.values() for row in routes]
    of_routes = len(rows) * len(METRICS_OF_A_ROUTE) if environment.detailed_metrics else 0
    of_classes = len({(row.latency.tier, name) for row in rows for name in row.latency.over(0)})
    return [
        Line("metrics of routes, by the gateway", of_routes, "metric"),
        Line("metrics of latency classes and of 429", of_classes + 1, "metric"),
    ]


def per_million(environment: Environment, kind: str) -> list[Line]:
    """Returns the bill of a million reads or writes. Each write has one event, which the publisher
    and the search consumer handle on their own: they mostly handle several at once."""
    log_bytes = sum(LOG_BYTES.values())
    invocations, ms, read_units, write_units, events = 1, BILLED_MS[kind], READ_UNITS[kind], 0, 0
    if kind == "write":
        invocations += 2
        ms += BILLED_MS["publisher"] + BILLED_MS["search"]
        read_units, write_units, events = read_units + 1, WRITE_UNITS + 1, 1
        log_bytes += 2 * LOG_BYTES["platform"]
    counted = 1 if environment.contributor_insights else 0
    return [
        Line("requests at the gateway, million", 1, "request"),
        Line("requests before the web ACL, million", 1 if environment.fair_use else 0, "inspected"),
        Line("invocations, million", invocations, "invocation"),
        Line("GB-seconds, million", ms / 1000 * environment.memory_mb / 1024, "gb_second"),
        Line("read units, million", read_units, "read_unit"),
        Line("write units, million", write_units, "write_unit"),
        Line("log, GB", log_bytes / 1000, "log_gb"),
        Line("lines counted by Contributor Insights, million", counted, "matched"),
        Line("events, million", events, "event"),
        Line("archive, GB", events * EVENT_BYTES / 1000, "archive_gb"),
        Line("answers, GB", ANSWER_BYTES / 1000, "out_gb"),
    ]


def total(lines: Sequence[Line]) -> float:
    return sum(line.dollars for line in lines)


def page(
    environments: Sequence[Environment],
    templates: Callable[[Environment], Templates],
    families: Families,
) -> str:
    """Returns the page. ``templates`` returns those of an environment, by their concern."""
    names = [each.name for each in environments]
    idles = [idle(each, templates(each)) for each in environments]
    uses = [in_use(each, families) for each in environments]
    calls = [(per_million(each, "read"), per_million(each, "write")) for each in environments]
    return "\n".join(
        [
            _INTRODUCTION,
            "## A month without a call\n",
            *_table(names, idles),
            "\n## A month in use, in addition\n",
            "As soon as each route is called in each hour: CloudWatch counts the hours in which a "
            "metric has data.\n",
            *_table(names, uses),
            "\n## A million calls\n",
            *_table(
                [f"{name} {kind}" for name in names for kind in ("read", "write")],
                [lines for pair in calls for lines in pair],
            ),
            "",
            *(
                f"A million calls of which {WRITES_PER_CENT} % write: "
                f"${_mixed(*pair):.2f} in `{name}`."
                for name, pair in zip(names, calls, strict=True)
            ),
            _ASSUMPTIONS.format(sweeps=SWEEPS),
            "## Prices\n",
            "| price | of |",
            "| --- | --- |",
            *(f"| ${_price(price)} | {what} |" for price, what in PRICES.values()),
            "",
        ]
    )


def _mixed(reads: Sequence[Line], writes: Sequence[Line]) -> float:
    part = WRITES_PER_CENT / 100
    return total(reads) * (1 - part) + total(writes) * part


def _table(names: Sequence[str], columns: Sequence[Sequence[Line]]) -> Iterator[str]:
    """Yields a table with a line for whatever costs something in any of the columns."""
    yield f"| | {' | '.join(names)} |"
    yield f"| --- |{' --- |' * len(names)}"
    for line in zip(*columns, strict=True):
        if any(each.number for each in line):
            cells = [f"{_number(each.number)}: ${each.dollars:.2f}" for each in line]
            yield f"| {line[0].name} | {' | '.join(cells)} |"
    yield f"| **sum** | {' | '.join(f'**${total(lines):.2f}**' for lines in columns)} |"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:.2g}"


def _price(dollars: float) -> str:
    return f"{dollars:.2f}" if round(dollars, 2) == dollars else f"{dollars:g}"


def synthesised(environment: Environment, families: Families) -> Templates:
    """Returns the templates of the environment, by the ids of their stacks."""
    from aws_cdk import App

    import app as entry
    from infra import package

    folder = Path(tempfile.mkdtemp())
    made = App(outdir=str(folder / "out"), context=_context())
    entry.stacks(made, environment, families, package.empty(folder, families))
    return {each.id: each.template for each in made.synth().stacks}


def _context() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return found


_INTRODUCTION = """\
# What it costs

At list price in us-east-1, without the free tier, in dollars. `make costs` counts the fixed parts
in the templates and writes this page. A month has 730 hours.
"""

_ASSUMPTIONS = """
## Assumptions

- The units of a call are the rounded means of `tests/contract/costs.json`, over all its lines.
- A read is billed for 25 ms, a write for 60 ms, the publisher for 40 ms and the search consumer for
  60 ms a record. Neither is measured on AWS. A cold start adds about a second of one call.
- A call logs 570 bytes, its invocation 350 (start, end, report) and the gateway 400. Of the first,
  230 bytes carry the metrics of the latency class: $0.12 a million calls.
- An answer and an event have 1.5 kB. Each write has one event, handled alone.
- The sweeper runs {sweeps:,} times a month, for 100 ms, and reads three empty lists.
- A million refusals by the web ACL or a throttle cost what the gateway and the web ACL cost.

Not in it: what is stored (a month, $0.25 for a GB of the table, $0.20 for its continuous backup,
$0.03 for a GB of log), mails of the topic, support, taxes. SnapStart is off; with it, each version
that is kept costs about $4 a month for each GB of memory, so old versions would have to be removed.
Provisioned concurrency is off as well.
"""


def main() -> int:
    """Writes the page."""
    from infra.environments import ENVIRONMENTS
    from lambdas.families import FAMILIES

    environments = [ENVIRONMENTS["dev"], ENVIRONMENTS["prod"]]
    PAGE.write_text(page(environments, lambda each: synthesised(each, FAMILIES), FAMILIES))
    return 0


if __name__ == "__main__":
    sys.exit(main())
