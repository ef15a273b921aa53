"""``python -m infra.local`` starts the engine and the API, and loads the demo orgs. It serves until
it gets a signal, and then ends everything that it has started."""

from __future__ import annotations

import json
import secrets
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.local import clients as local_clients
from infra.local import demo, demo_world
from infra.local.bus import BusRecorder
from infra.local.engine import Engine, EngineError, create_table
from infra.local.schedule import Schedule
from infra.local.settings import TABLE, LocalSettings, apply, deployment, local_settings
from infra.local.signing import FileKey
from infra.local.stream import StreamPump, StreamReader

THREADS = 48
# The HTTP server itself refuses larger bodies, so these do not get the envelope.
RECEIVED_BYTES = 64 * 1024 * 1024
DEMO_SETTLE_S = 5


def main() -> int:
    """Serves until SIGINT or SIGTERM. Returns the exit code."""
    try:
        chosen = local_settings()
    except ValueError as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 2
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    try:
        engine = _engine(chosen)
    except EngineError as failed:
        sys.stderr.write(f"{failed}\n")
        return 1
    try:
        return _serve(chosen, engine, stop)
    finally:
        engine.stop()


def _engine(chosen: LocalSettings) -> Engine:
    if chosen.engine_endpoint:
        return Engine(chosen.engine_endpoint)
    return Engine.start(chosen.data / "engine" if chosen.data else None)


def _serve(chosen: LocalSettings, engine: Engine, stop: threading.Event) -> int:
    secret = _root_secret(chosen.data)
    environment = deployment(root_secret=secret, endpoint=engine.endpoint)
    apply({**environment, "LOG_LEVEL": "WARNING"})
    from shared import clients

    arn = create_table(local_clients.table_administration(), TABLE)
    bus = BusRecorder()
    clients.use(events=bus, kms=FileKey(chosen.receipt_key))
    pump = StreamPump(_readers(arn))
    demo.load()
    demo_world.load("ACME", "acme-owner")
    try:
        server = _listen(chosen, bus, pump)
    except OSError as taken:
        sys.stderr.write(f"port {chosen.port} is not available: {taken}\n")
        return 1
    pump.start()
    schedule = Schedule()
    schedule.start()
    # The first search of a person must find the demo world.
    pump.settle(DEMO_SETTLE_S)
    threading.Thread(target=server.run, daemon=True).start()
    _write_run_file(chosen.run_file, environment)
    _greet(int(server.effective_port))
    ended_well = _wait(stop, engine)
    chosen.run_file.unlink(missing_ok=True)
    server.close()
    schedule.stop()
    # The engine loses its stream at the end: a record that is not handled now never will be.
    if ended_well:
        pump.settle(10)
    pump.stop()
    return 0 if ended_well else 1


def _wait(stop: threading.Event, engine: Engine) -> bool:
    """Waits for a signal, and returns True. Returns False if the engine ends by itself."""
    while not stop.wait(1):
        if not engine.is_running:
            sys.stderr.write("the engine has ended, so the server ends too\n")
            return False
    return True


def _write_run_file(place: Path, environment: dict[str, str]) -> None:
    """Writes the file that the administration command reads. Only its owner may read it, because it
    contains the root of the keyed hashes."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.touch(mode=0o600)
    place.write_text(json.dumps(environment))


def _listen(chosen: LocalSettings, bus: BusRecorder, pump: StreamPump) -> Any:
    import waitress

    from infra.local.server import Application

    application = Application(
        bus=bus, pump=pump, test_clock=chosen.test_clock, count=_items_containing
    )
    return waitress.create_server(
        application,
        host="127.0.0.1",
        port=chosen.port,
        threads=THREADS,
        max_request_body_size=RECEIVED_BYTES,
        clear_untrusted_proxy_headers=True,
        ident="crm-local",
    )


def _readers(arn: str) -> list[StreamReader]:
    from lambdas.events.handler import lambda_handler as publish
    from lambdas.search.handler import lambda_handler as keep_search

    return [
        StreamReader(local_clients.streams(), arn, "events", publish, "LATEST"),
        StreamReader(local_clients.streams(), arn, "search", keep_search, "LATEST"),
    ]


def _items_containing(text: str) -> int:
    """Returns how many items contain the text anywhere, keys included. Free maps are stored as JSON
    text, so the escaped forms count too."""
    forms = (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
    pages = local_clients.table_administration().get_paginator("scan")
    items = (
        item
        for page in pages.paginate(TableName=TABLE, ConsistentRead=True)
        for item in page["Items"]
    )
    return sum(any(form in found for found in _texts(item) for form in forms) for item in items)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, bytes):
        yield value.decode(errors="replace")
    else:
        yield str(value)


def _root_secret(data: Path | None) -> str:
    """Returns a new root for each run. Where the data is kept, the root is kept with it."""
    if data is None:
        return secrets.token_hex(32)
    place = data / "root-secret"
    if not place.exists():
        data.mkdir(parents=True, exist_ok=True)
        place.write_text(secrets.token_hex(32))
        place.chmod(0o600)
    return place.read_text()


def _greet(port: int) -> None:
    here = f"http://127.0.0.1:{port}"
    sys.stdout.write(
        f"""
CRM is running
  API       {here}/crm
  explorer  {here}/
  document  {here}/openapi.json
  events    {here}/_local/events

Try it:
  curl -s {here}/crm/stat
  curl -s {here}/crm/account/create \\
    -H 'content-type: application/json' -H 'x-orgcode: ACME' -H 'x-session-guid: acme-owner' \\
    -d '{{"account": {{"company_name": "Northwind Traders"}}, "reason": "first try",
         "source_refs": [{{"kind": "readme", "id": "1"}}]}}'

Ctrl-C ends it.
"""
    )
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
