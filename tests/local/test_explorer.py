"""The explorer in a real browser: what a newcomer does in the first minutes."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.local.settings import ROOT
from tests.local.conftest import Server

INSTALLED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The package is made for Lambda. Told that it runs there, it brings its own libraries too, so it
# needs none of this machine's.
UNPACK = "import chromium from '@sparticuz/chromium'; console.log(await chromium.executablePath())"
RUNTIME = {"AWS_LAMBDA_JS_RUNTIME": "nodejs20.x"}


def browser() -> tuple[str, dict[str, str]]:
    """Returns the path of a browser, and the environment that it needs: the one that is named in
    ``BROWSER_PATH``, else that of the package, else, where that does not run, the machine's own."""
    packaged = (platform.system(), platform.machine()) == ("Linux", "x86_64")
    own = (found for name in INSTALLED if (found := shutil.which(name)))
    named = os.environ.get("BROWSER_PATH") or (None if packaged else next(own, None))
    if named:
        return named, dict(os.environ)
    assert packaged, "no browser was found here: name one with BROWSER_PATH"
    place = ROOT / "build" / f"browser-{_version()}"
    place.mkdir(parents=True, exist_ok=True)
    command = ["node", "--input-type=module", "-e", UNPACK]
    unpacked = _run(command, {**os.environ, **RUNTIME, "TMPDIR": str(place)}).strip()
    libraries = {"LD_LIBRARY_PATH": str(place / "al2023" / "lib")}
    return unpacked, {**os.environ, **libraries, "FONTCONFIG_PATH": str(place / "fonts")}


def _version() -> str:
    package = ROOT / "node_modules" / "@sparticuz" / "chromium" / "package.json"
    return str(json.loads(package.read_text())["version"])


def _run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def seen(server: Server) -> dict[str, Any]:
    """What a person sees who searches, sends an example, hears the story and moves the clock."""
    path, environment = browser()
    script = str(Path(__file__).with_name("explorer.mjs"))
    said = _run(["node", script, f"http://127.0.0.1:{server.port}", path], environment)
    found: dict[str, Any] = json.loads(said)
    return found


def test_the_page_loads_nothing_from_elsewhere_and_reports_no_fault(seen: dict[str, Any]) -> None:
    assert seen["outside"] == []
    assert seen["faults"] == []


def test_a_route_is_found_by_a_word(seen: dict[str, Any]) -> None:
    assert "/account/credit/consume" in seen["found"]


def test_an_example_is_sent_as_the_chosen_caller_at_the_chosen_time(seen: dict[str, Any]) -> None:
    assert seen["sent"] == {"status": 200, "key": "acme-key", "at": "2031-05-06T07:08:09Z"}


def test_the_story_goes_to_its_end_and_shows_the_events_of_each_step(seen: dict[str, Any]) -> None:
    steps = seen["story"]
    assert {step["status"] for step in steps} == {"200"}
    assert [event for step in steps for event in step["events"]] == [
        "customer-created",
        "loyalty-adjusted",
        "giftcard-issued",
        "loyalty-redeemed",
        "giftcard-redeemed",
        "loyalty-earned",
        "loyalty-restored",
        "loyalty-reversed",
        "giftcard-reversed",
    ]
    said = " ".join(step["says"] for step in steps)
    assert "60 points: just what the preview said" in said
    assert "undefined" not in said
    assert "equal: true" in steps[-1]["says"]


def test_the_events_arrive_for_the_chosen_family(seen: dict[str, Any]) -> None:
    assert {event.split("-")[0] for event in seen["events"]} == {"giftcard"}
    assert seen["events"][0] == "giftcard-reversed"
