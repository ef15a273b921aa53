"""The explorer in a real browser: what a newcomer does in the first minutes."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from infra.local import explorer
from infra.local.settings import ROOT
from lambdas.families import FAMILIES
from tests.local.conftest import Server

INSTALLED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The package is made for Lambda. Told that it runs there, it brings its own libraries too, so it
# needs none of this machine's.
UNPACK = "import chromium from '@sparticuz/chromium'; await chromium.executablePath()"
RUNTIME = {"AWS_LAMBDA_JS_RUNTIME": "nodejs20.x"}
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{place}</dir><cachedir>{place}/cache</cachedir></fontconfig>
"""


def browser() -> tuple[str, dict[str, str]]:
    """Returns the path of a browser, and the environment that it needs: the one that is named in
    ``BROWSER_PATH``, else that of the package, else, where that does not run, the machine's own."""
    packaged = (platform.system(), platform.machine()) == ("Linux", "x86_64")
    own = (found for name in INSTALLED if (found := shutil.which(name)))
    named = os.environ.get("BROWSER_PATH") or (None if packaged else next(own, None))
    if named:
        return named, dict(os.environ)
    assert packaged, "no browser was found here: name one with BROWSER_PATH"
    place = _unpacked()
    libraries = {"LD_LIBRARY_PATH": str(place / "al2023" / "lib")}
    fonts = {"FONTCONFIG_PATH": str(place / "fonts")}
    return str(place / "chromium"), {**os.environ, **libraries, **fonts}


def _unpacked() -> Path:
    """Returns the folder of the package's browser. It gets its name once it is complete: nobody can
    start a program that another process is still writing."""
    place = ROOT / "build" / f"browser-{_version()}"
    if not place.exists():
        place.parent.mkdir(exist_ok=True)
        making = tempfile.mkdtemp(prefix="browser-", dir=place.parent)
        command = ["node", "--input-type=module", "-e", UNPACK]
        _run(command, {**os.environ, **RUNTIME, "TMPDIR": making})
        # The package's own file looks for the fonts below /tmp. Without any font the browser dies.
        (Path(making) / "fonts" / "fonts.conf").write_text(FONTS.format(place=place / "fonts"))
        try:
            os.rename(making, place)
        except OSError:
            # Another process was first.
            shutil.rmtree(making)
    return place


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


def seen(server: Server) -> dict[str, Any]:
    """What a person sees who searches, sends an example, hears the story and moves the clock."""
    path, environment = browser()
    script = str(Path(__file__).with_name("explorer.mjs"))
    said = _run(["node", script, f"http://127.0.0.1:{server.port}", path], environment)
    found: dict[str, Any] = json.loads(said)
    return found


def test_a_newcomer_finds_a_route_sends_its_example_and_hears_the_story(server: Server) -> None:
    found = seen(server)
    assert found["outside"] == [], "nothing is loaded from elsewhere"
    assert found["faults"] == []
    assert "/account/credit/consume" in found["found"]
    # As the chosen caller, at the chosen time.
    assert found["sent"] == {"status": 200, "key": "acme-key", "at": "2031-05-06T07:08:09Z"}
    steps = found["story"]
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
    steps = found["erasure"]
    assert {step["status"] for step in steps} == {"200"}
    assert [event for step in steps for event in step["events"]] == [
        "customer-created",
        "customer-created",
        "loyalty-adjusted",
        "customer-consent-set",
        "customer-merged",
        "customer-exported",
        "customer-deleted",
    ]
    said = " ".join(step["says"] for step in steps)
    assert "the survivor answers: 120 points" in said
    assert "undefined" not in said
    check_the_year(found["year"], found["yearInRealTime"])
    # Of the chosen family, newest first.
    assert {event.split("-")[0] for event in found["events"]} == {"giftcard"}
    assert found["events"][0] == "giftcard-reversed"


def check_the_year(moved: list[dict[str, Any]], real: list[dict[str, Any]]) -> None:
    """The story with time in it, told where the clock moves and where it does not."""
    for steps in (moved, real):
        assert {step["status"] for step in steps} == {"200"}
        assert "undefined" not in " ".join(step["says"] for step in steps)
        assert len([step for step in steps if step.get("passed")]) == 2
    events = [event for step in moved for event in step["events"]]
    assert events == [
        "customer-created",
        "exemption-certificate-created",
        "exemption-certificate-status-set",
        "warranty-registered",
        "subscription-created",
        "subscription-due",
        "comment-created",
        "inbox-created",
        "inbox-repeated",
        "inbox-state-set",
        "comment-revised",
        "inbox-state-set",
        "subscription-due",
        "subscription-paused",
        "subscription-resumed",
        "customer-created",
        "warranty-updated",
        "subscription-cancelled",
    ]
    said = [step["says"] for step in moved]
    assert any("who has it: user_guid:user-acme-clerk" in words for words in said)
    assert any("Dates that fell into the pause: 11" in words for words in said)
    assert any("It is expired" in words for words in said)
    # Without a clock no time has passed: the second date is not due, and the rest is the same.
    second_due = events.index("subscription-due", events.index("subscription-due") + 1)
    told = [event for step in real for event in step["events"]]
    assert told == events[:second_due] + events[second_due + 1 :]
    assert all("keeps the real time" in step["passed"] for step in real if step.get("passed"))


def test_the_stories_visit_every_family_with_routes_that_exist() -> None:
    stories = json.loads((explorer.FOLDER / "stories.json").read_text(encoding="utf-8"))
    visited = {step["path"] for story in stories for step in story["steps"]}
    family_of = {row.path: family for family, rows in FAMILIES.items() for row in rows}
    assert visited <= family_of.keys()
    # No story is about the accounts of companies yet; whoever adds a family says where it is told.
    left = FAMILIES.keys() - {family_of[path] for path in visited}
    assert left == {"account", "stat"}
