"""The administration command: organisations, members, sessions, API keys, ledgers, search entries,
erasures, receipts, exports.

It works on the table of the local server that runs on this machine. With --table NAME it works on a
deployed table, with your AWS credentials. The outputs of the table's stacks say where the root of
its keyed hashes is. The secret of a session or key is shown once, and is not stored.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from infra.local import identities
from infra.local.admin_parts import OrgCode, group
from infra.local.admin_records import RECORDS
from infra.local.deployment import outputs_of
from infra.local.identities import Refused
from infra.local.org_settings import UNIQUE, parsed
from infra.local.settings import apply, deployed, local_settings
from infra.local.signing import FileKey
from shared import clients
from shared.errors import ApiError

app = group(__doc__)
org = group("Organisations: who may write, and by which rules.")
member = group("People in an organisation, and their roles.")
session = group("Sessions of people.")
key = group("API keys of an organisation's service accounts.")
GROUPS = {
    "org": org,
    "member": member,
    "session": session,
    "key": key,
    **RECORDS,
}
for name, members in GROUPS.items():
    app.add_typer(members, name=name)


Person = Annotated[str, typer.Argument(help="The person's id at the identity provider.")]
Account = Annotated[str, typer.Argument(help="The service account's name.")]
Role = Annotated[list[str] | None, typer.Option("--role", help="May be given several times.")]
Hours = Annotated[
    float | None, typer.Option("--hours", min=0, help="How long it is valid; 0: for ever.")
]
Mark = Annotated[str | None, typer.Option("--fingerprint", help="Only this one.")]


@app.callback()
def _choose_table(
    context: typer.Context,
    table: Annotated[
        str | None, typer.Option(help="A deployed table; the local one if absent.")
    ] = None,
    root_secret_arn: Annotated[
        str | None,
        typer.Option(help="The secret with the root of a deployed table's hashes, if not its own."),
    ] = None,
    receipt_key: Annotated[
        str | None,
        typer.Option(help="The key that signs the receipts of a deployment, if not its own."),
    ] = None,
) -> None:
    if "--help" in sys.argv:
        # The words of a command need no table.
        return
    context.obj = table
    if table is not None:
        # Nobody knows a restored table before it is deployed, and its settings need no secret.
        alone = root_secret_arn or context.invoked_subcommand == "table"
        outputs = {} if alone else outputs_of(table)
        secret = root_secret_arn or ("" if alone else outputs["RootSecretArn"])
        key_id = receipt_key or outputs.get("ReceiptKeyArn")
        apply(deployed(table, secret, key_id), keep_account=True)
        return
    if context.invoked_subcommand == "events":
        raise typer.BadParameter("only a deployment keeps failed events: name its table, --table")
    if context.invoked_subcommand == "table":
        raise typer.BadParameter("only a deployed table is restored: name it, --table")
    if context.invoked_subcommand == "receipt":
        # Receipts are verified without any service.
        clients.use(kms=FileKey(local_settings().receipt_key))
        return
    place = local_settings().run_file
    if not place.exists():
        raise typer.BadParameter(
            "no local server is running: start it (`make run`), or use --table"
        )
    apply(json.loads(place.read_text()))
    clients.use(kms=FileKey(local_settings().receipt_key))


def _show(record: Any) -> None:
    """Prints a record as one line of JSON, so that scripts can read it."""
    typer.echo(json.dumps(asdict(record), default=str))


@org.command("create")
def org_create(orgcode: OrgCode, status: Annotated[str, typer.Option()] = "unverified") -> None:
    """Create an organisation. It may not write until it is verified."""
    _show(identities.create_org(orgcode, status=status))


@org.command("status")
def org_status(
    orgcode: OrgCode, status: Annotated[str | None, typer.Argument(help="The new one.")] = None
) -> None:
    """Show an organisation's status, or set it: only a verified one may write."""
    _show(
        identities.org_of(orgcode)
        if status is None
        else identities.change_org(orgcode, status=status)
    )


@org.command("settings")
def org_settings(
    orgcode: OrgCode,
    changes: Annotated[list[str] | None, typer.Argument(help="name=value …")] = None,
) -> None:
    """Show the settings of an organisation, or change them: `timezone=Europe/Berlin`."""
    old = identities.org_of(orgcode)
    chosen = dict(parsed(change) for change in changes or [])
    if UNIQUE & chosen.keys() and identities.has_customers(orgcode):
        raise Refused("uniqueness can only be changed before there are customers")
    if not chosen:
        _show(old)
        return
    _show(identities.change_org(orgcode, settings=replace(old.settings, **chosen)))


@org.command("list")
def org_list() -> None:
    """List every organisation, one per line."""
    for record in identities.orgs():
        _show(record)


@member.command("add")
def member_add(orgcode: OrgCode, person: Person, role: Role = None, owner: bool = False) -> None:
    """Add a person, also one who was removed. An owner has every role."""
    _show(identities.add_member(orgcode, person, roles=tuple(role or ()), owner=owner))


@member.command("roles")
def member_roles(
    orgcode: OrgCode, person: Person, role: Role = None, owner: bool | None = None
) -> None:
    """Replace the roles of a member."""
    changes: dict[str, Any] = {"roles": tuple(role or ())}
    if owner is not None:
        changes["owner"] = owner
    _show(identities.change_member(orgcode, person, **changes))


@member.command("remove")
def member_remove(orgcode: OrgCode, person: Person) -> None:
    """Remove a person."""
    _show(identities.change_member(orgcode, person, state="removed"))


@session.command("create")
def session_create(person: Person, hours: Hours = 1) -> None:
    """Create a session and show its secret, once. While it is used, its end moves on."""
    typer.echo(identities.create_session(person, expires_at=_after(hours)))


@session.command("revoke")
def session_revoke(person: Person, fingerprint: Mark = None) -> None:
    """End a person's sessions, or the one with this fingerprint."""
    _revoke(identities.sessions_of(person), fingerprint)


@key.command("create")
def key_create(orgcode: OrgCode, account: Account, role: Role = None, hours: Hours = None) -> None:
    """Create an API key and show its secret, once."""
    roles = tuple(role or ())
    typer.echo(identities.create_key(orgcode, account, roles=roles, expires_at=_after(hours)))


@key.command("revoke")
def key_revoke(orgcode: OrgCode, account: Account, fingerprint: Mark = None) -> None:
    """End a service account's keys, or the one with this fingerprint."""
    found = identities.keys_of(orgcode)
    _revoke([k for k in found if k.credential.service_account == account], fingerprint)


@key.command("list")
def key_list(orgcode: OrgCode) -> None:
    """List an organisation's API keys, with the fingerprints that answers and logs show."""
    for found in identities.keys_of(orgcode):
        line = {"fingerprint": f"kf_{found.fingerprint}", **asdict(found.credential)}
        typer.echo(json.dumps(line, default=str))


def _revoke(found: list[Any], fingerprint: str | None) -> None:
    mark = fingerprint.rpartition("_")[2] if fingerprint else None
    chosen = [f for f in found if mark in (None, f.fingerprint) and not f.credential.revoked]
    if not chosen:
        raise Refused("there is nothing to revoke")
    for one in chosen:
        identities.revoke(one)
    typer.echo(f"revoked {len(chosen)}; a warm process may still accept it for 30 s")


def _after(hours: float | None) -> datetime | None:
    return datetime.now(UTC) + timedelta(hours=hours) if hours else None


def main() -> None:
    """Runs a command. A refusal is one line on stderr, and exit code 1."""
    try:
        app()
    except (Refused, ApiError) as refused:
        typer.echo(f"refused: {refused}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
