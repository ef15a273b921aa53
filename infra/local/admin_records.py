"""The part of the administration command for records: ledgers, search entries, erasures, receipts,
exports, runs of the retention policy, the keys of page tokens, events that failed, and a table that
was restored."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from infra.environments import ENVIRONMENTS
from infra.local import erasures, restored, search_entries, token_keys
from infra.local.admin_parts import OrgCode, group
from infra.local.clients import table_administration
from infra.local.deployment import receipt_keys, redrive
from infra.local.identities import Refused
from infra.local.ledger_export import exported
from infra.local.restored_table import RestoredTable
from infra.local.signing import public_key
from lambdas.jobs import erasure_log

ledger = group("Points ledgers of an organisation's customers.")
search = group("Search entries of an organisation's accounts and customers.")
jobs = group("Erasures that run or have run.")
receipt = group("Receipts of deletions.")
customer = group("The right of access.")
retention = group("Runs of the retention policy, and what a law wants kept.")
token_key = group("The keys that sign page tokens.")
events = group("Events of a deployment that have not reached the bus.")
table = group("A deployed table that was restored from a backup.")
RECORDS = {
    "ledger": ledger,
    "search": search,
    "jobs": jobs,
    "receipt": receipt,
    "customer": customer,
    "retention": retention,
    "token-key": token_key,
    "events": events,
    "table": table,
}


@ledger.command("export")
def ledger_export(
    orgcode: OrgCode,
    customer: Annotated[
        list[str] | None, typer.Option(help="Only this one; may be given several times.")
    ] = None,
) -> None:
    """Print every entry as a line of JSON, like /loyalty/ledger/list, customer by customer."""
    for entry in exported(orgcode, customer):
        typer.echo(json.dumps(entry))


@search.command("rebuild")
def search_rebuild(
    orgcode: OrgCode,
    after: Annotated[
        str | None,
        typer.Option(help="Continue after this record, the last one that a run has shown."),
    ] = None,
) -> None:
    """Rewrite the search entries of every account and customer, and remove those of an older
    version. Needed once after an update that changes the rules for tokens. Safe to repeat."""
    for progress in search_entries.rebuild(orgcode, after=after):
        typer.echo(json.dumps(asdict(progress), default=str))


@jobs.command("list")
def jobs_list(orgcode: OrgCode) -> None:
    """List an organisation's erasures with their progress, the newest first, one per line."""
    for job in erasures.jobs(orgcode):
        typer.echo(json.dumps(job))


@jobs.command("resume")
def jobs_resume(orgcode: OrgCode, job_id: Annotated[str, typer.Argument()]) -> None:
    """Continue an erasure to its end, and show how far it has come. The sweeper may run beside."""
    for progress in erasures.resume(orgcode, job_id):
        typer.echo(json.dumps(progress))


@jobs.command("log")
def jobs_log(
    orgcode: OrgCode,
    since: Annotated[datetime, typer.Option(help="From when on, in UTC.")],
) -> None:
    """Print the erasures that began since then as lines of the log, also those of the last hours
    that no daily log has yet."""
    for line in erasure_log.erasures(orgcode, since.replace(tzinfo=UTC)):
        typer.echo(json.dumps(line))


@jobs.command("reapply")
def jobs_reapply(
    log: Annotated[Path, typer.Argument(help="Lines of the log; - for standard input.")],
) -> None:
    """Make the erasures of a log again in a table that was restored from a backup, and show what
    became of each customer. Safe to repeat."""
    text = sys.stdin.read() if str(log) == "-" else log.read_text()
    for outcome in restored.reapply(text.splitlines()):
        typer.echo(json.dumps(outcome))


@retention.command("run")
def retention_run(
    orgcode: OrgCode,
    as_of: Annotated[
        datetime | None, typer.Option(help="The clock of the run, in UTC. Default: now.")
    ] = None,
) -> None:
    """Enforce the retention policy that is in force then, to the end, and show how far it has come.
    A run of the same clock that was begun before goes on."""
    now = datetime.now(UTC) if as_of is None else as_of.replace(tzinfo=UTC)
    for progress in erasures.retention_run(orgcode, now):
        typer.echo(json.dumps(progress))


@retention.command("list")
def retention_list(orgcode: OrgCode) -> None:
    """List an organisation's runs, the newest first, one per line."""
    for run in erasures.retention_runs(orgcode):
        typer.echo(json.dumps(run))


@retention.command("kept")
def retention_kept(orgcode: OrgCode) -> None:
    """List what is kept without its person because a law wants it, one record per line."""
    for kept in erasures.kept(orgcode):
        typer.echo(json.dumps(kept))


@receipt.command("verify")
def receipt_verify(
    context: typer.Context,
    orgcode: OrgCode,
    file: Annotated[Path, typer.Argument(help="The answer to the deletion.", exists=True)],
    public_keys: Annotated[
        list[Path] | None,
        typer.Option("--public-key", help="A public key as PEM. May be given several times."),
    ] = None,
) -> None:
    """Check that a receipt is what was signed, and that one of the public keys has signed it. No
    service is asked then. Without them, with --table: one of the deployment's own keys."""
    if public_keys:
        given = [key.read_text() for key in public_keys]
        typer.echo(f"good: {erasures.verified(file, orgcode, lambda _: given)}")
        return
    if context.obj is None:
        raise typer.BadParameter("name the public key that may have signed it, --public-key")
    own = receipt_keys(context.obj)

    def key_of(key_id: str) -> list[str]:
        # A receipt may name anybody's key. Only the deployment's own count.
        return [public_key(key_id)] if key_id in own else []

    typer.echo(f"good: {erasures.verified(file, orgcode, key_of)}")


@receipt.command("public-key")
def receipt_public_key(
    key_id: Annotated[
        str | None, typer.Option(help="The key_id of a receipt. Absent: the key that signs now.")
    ] = None,
) -> None:
    """Print the public key as PEM. Give it to whoever is to verify receipts."""
    typer.echo(public_key(key_id), nl=False)


@customer.command("export")
def customer_export(
    orgcode: OrgCode,
    customer_guid: Annotated[str, typer.Argument()],
    target: Annotated[Path, typer.Argument(help="The file to write, one record a line.")],
) -> None:
    """Write everything that is stored about a customer into a file that only you may read."""
    typer.echo(f"{erasures.export_to(orgcode, customer_guid, target)} records")


@token_key.command("rotate")
def token_key_rotate() -> None:
    """Make a new key that signs page tokens. The one before it is still accepted: wait a day before
    the next rotation, because tokens are valid for so long."""
    typer.echo(f"{token_keys.rotate()} made by rotation are accepted")


@events.command("redrive")
def events_redrive(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what is there.")] = False,
) -> None:
    """Handle again what the readers of the stream gave up (the failure bucket) and what the bus
    refused (the publisher's queue), one line for each piece. A piece is removed when the bus has
    accepted it. Safe to repeat: its events have the same ids as before."""
    run = redrive(str(context.obj), dry_run=dry_run)
    for line in run.lines():
        typer.echo(json.dumps(line))
    typer.echo(json.dumps({"redriven": run.done, "kept": run.kept}))
    if run.kept:
        raise Refused(f"{run.kept} have failed again and are kept; `why` says for what reason")


@table.command("complete")
def table_complete(
    context: typer.Context,
    environment: Annotated[str, typer.Argument(help="The environment that is to use the table.")],
) -> None:
    """Give a restored table the settings that a restore leaves off, and show what became of each.
    The last line has what the deployment is told. Safe to repeat."""
    if environment not in ENVIRONMENTS:
        raise typer.BadParameter(f"the environment is one of {', '.join(ENVIRONMENTS)}")
    chosen = ENVIRONMENTS[environment]
    named = RestoredTable(table_administration(), str(context.obj), chosen)
    for line in named.complete():
        typer.echo(json.dumps(line))
