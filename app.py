"""The deployment's entry: read the context, make the five stacks, synthesise.

Context (``cdk synth -c key=value``, or the file ``cdk.json``): ``environment`` (dev, test or prod;
dev when absent), ``prod:account`` and ``prod:region`` (the only place to which prod is deployed;
the others have their own), ``build_major``, ``build_minor``, ``build_id`` (what is being deployed),
``emulator=true`` (for a local emulator of AWS), ``assets=none`` (templates only, with nothing to
deploy in them).
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from aws_cdk import App, Tags, Validations
from cdk_nag import AwsSolutionsChecks

from infra import bytecode, package
from infra.alarm_stack import AlarmStack
from infra.api_stack import ApiStack
from infra.data_stack import DataStack
from infra.environments import ENVIRONMENTS
from infra.events_stack import EventsStack
from infra.function import Records
from infra.jobs_stack import JobsStack
from infra.settings import SERVICE, Environment, chosen
from shared.routes import Route


def stacks(
    app: App,
    settings: Environment,
    families: Mapping[str, Sequence[Route]],
    assets: package.Package,
) -> tuple[DataStack, EventsStack, ApiStack, AlarmStack]:
    """Every stack of an environment, each with what it needs of the ones before it."""
    data = DataStack(app, "Data", environment=settings)
    stream = data.table.table_stream_arn
    if stream is None:
        raise ValueError("the table has no stream, and everything after it follows the stream")
    records = Records(
        table_name=data.table.table_name,
        table_arn=data.table.table_arn,
        stream_arn=stream,
        root_secret_arn=data.root_secret.secret_arn,
        receipt_key_arns=tuple(key.key_arn for key in data.receipt_keys),
        erasure_log_name=data.erasure_log.bucket_name,
        erasure_log_arn=data.export_value(data.erasure_log.bucket_arn),
    )
    events = EventsStack(app, "Events", environment=settings, package=assets, records=records)
    api = ApiStack(
        app, "Api", environment=settings, package=assets, families=families, records=records
    )
    jobs = JobsStack(app, "Jobs", environment=settings, package=assets, records=records)
    alarms = AlarmStack(
        app,
        "Alarms",
        environment=settings,
        families=families,
        mappings={name: mapping.ref for name, mapping in events.mappings.items()},
        refused_queue=events.refused.queue_name,
        failure_bucket=events.failures.bucket_name,
    )
    # An alarm on what is not there yet would be on, and a canary may need any of the alarms.
    alarms.add_stack_dependency(jobs)
    api.add_stack_dependency(alarms)
    # A template that breaks a rule without a reason does not leave this program.
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    Tags.of(app).add("service", SERVICE)
    Tags.of(app).add("environment", settings.name)
    return data, events, api, alarms


def main() -> None:
    # Imported here, so that a test may build the stacks from a table of its own.
    from lambdas.families import FAMILIES

    app = App()
    settings = chosen(ENVIRONMENTS, app.node.try_get_context)
    if app.node.try_get_context("assets") == "none":
        assets = package.empty(Path(tempfile.mkdtemp()), FAMILIES)
    else:
        assets = package.staged(FAMILIES, host=settings.emulator)
    stacks(app, settings, FAMILIES, assets)
    app.synth()


if __name__ == "__main__":
    try:
        main()
    except (package.NotPackaged, bytecode.NotCompiled, ValueError) as refusal:
        sys.exit(str(refusal))
