"""``python -m infra.local``: starts the engine and the API, loads the demo orgs, serves until told
to end, and ends all that it started."""

from __future__ import annotations

import json
import secrets
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from infra.local import clients as local_clients
from infra.local import demo
from infra.local.bus import BusRecorder
from infra.local.engine import Engine, create_table
from infra.local.settings import RUN_FILE, TABLE, LocalSettings, apply, deployment, local_settings
from infra.local.stream import StreamPump, StreamReader

THREADS = 48


def main() -> int:
    """Serve until SIGINT or SIGTERM."""
    try:
        chosen = local_settings()
    except ValueError as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 2
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    engine = (
        Engine(chosen.engine_endpoint)
        if chosen.engine_endpoint
        else Engine.start(chosen.data / "engine" if chosen.data else None)
    )
    try:
        return _serve(chosen, engine, stop)
    finally:
        engine.stop()


def _serve(chosen: LocalSettings, engine: Engine, stop: threading.Event) -> int:
    secret = _root_secret(chosen.data)
    environment = deployment(root_secret=secret, endpoint=engine.endpoint)
    apply({**environment, "LOG_LEVEL": "WARNING"})
    from shared import clients

    arn = create_table(local_clients.table_administration(), TABLE)
    bus = BusRecorder()
    clients.use(events=bus)
    pump = StreamPump(_readers(arn))
    demo.load()
    pump.start()
    server = _listen(chosen, bus, pump)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    RUN_FILE.parent.mkdir(exist_ok=True)
    RUN_FILE.write_text(json.dumps(environment))
    RUN_FILE.chmod(0o600)
    _greet(int(server.effective_port))
    stop.wait()
    server.close()
    pump.settle(10)
    pump.stop()
    RUN_FILE.unlink(missing_ok=True)
    return 0


def _listen(chosen: LocalSettings, bus: BusRecorder, pump: StreamPump) -> Any:
    import waitress

    from infra.local.server import MOST_BYTES, Application

    application = Application(
        bus=bus, pump=pump, test_clock=chosen.test_clock, count=_items_containing
    )
    return waitress.create_server(
        application,
        host="127.0.0.1",
        port=chosen.port,
        threads=THREADS,
        max_request_body_size=MOST_BYTES,
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
    """How many items hold the text anywhere, keys included."""
    client, found, start = local_clients.table_administration(), 0, {}
    while True:
        answer = client.scan(TableName=TABLE, **start)
        found += sum(text in json.dumps(item, ensure_ascii=False) for item in answer["Items"])
        if "LastEvaluatedKey" not in answer:
            return found
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def _root_secret(data: Path | None) -> str:
    """A new root for each run, or the one that the kept data was made with."""
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
