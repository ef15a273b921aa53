"""The README's steps for a new family are true: a test adds one in a copy of the project, touching
just the files that the steps name, and every check of the contract passes for it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
FAMILY = Path(__file__).parent / "added_family" / "shop"
HEADING = "### A family in seven steps"
EDITS = {
    "shared/keys.py": (
        "    # ------------------------------------------------------------ lists\n",
        "    def shop(self, shop_guid: str) -> Key:\n"
        '        return self._at("SH", shop_guid), "A"\n\n',
    ),
    "lambdas/families.py": (
        "from lambdas.stat.handler import ROUTES as STAT\n",
        "from lambdas.shop.handler import ROUTES as SHOP\n",
    ),
    "lambdas/kinds.py": (
        "from shared.idempotency import",
        "from lambdas.shop.kinds import KINDS as SHOP\n",
    ),
    "tests/contract/scenes.py": (
        "SCENES: dict[str, Scene] = {\n",
        "",
    ),
    "tests/contract/test_tenants.py": ('    "customer_guid": lambda', ""),
    "infra/local/demo_world.py": (
        "    # The last one:",
        '    _step(\n        "2025-11-14T07:00", "/shop/create", "Opened", '
        '{"shop": {"name": "Harbour"}}, FIRST_ID,\n    ),\n',
    ),
}
"""Where each edit goes: before this text."""


def steps() -> str:
    readme = (ROOT / "README.md").read_text()
    return readme.partition(HEADING)[2].partition("\n## ")[0].partition("\n### ")[0]


def named_files() -> set[str]:
    """The files that the steps name; ``<family>`` stands for the new one's folder."""
    here = f"tests/{Path(__file__).name}"
    return set(re.findall(r"`([\w/<>]+\.(?:py|json))`", steps())) - {here}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            target = tmp_path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
    for made in (".engine", "node_modules"):
        (tmp_path / made).symlink_to(ROOT / made)
    # The rules of the house look at what git knows of.
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "--all", ":!.engine", ":!node_modules"], cwd=tmp_path, check=True)
    return tmp_path


def add_the_family(root: Path) -> set[str]:
    """Adds it as the steps say; answers the files that were touched."""
    shutil.copytree(FAMILY, root / "lambdas" / "shop")
    touched = {
        f"lambdas/<family>/{path.relative_to(FAMILY)}"
        for path in FAMILY.rglob("*.py")
        if path.name != "__init__.py"
    }
    for name, (before, text) in EDITS.items():
        edit(root / name, before, text)
        touched.add(name)
    edit(root / "lambdas/families.py", '    "stat": STAT,\n', '    "shop": SHOP,\n')
    edit(root / "lambdas/kinds.py", "    *WARRANTY,\n", "    *SHOP,\n")
    edit(
        root / "tests/contract/scenes.py",
        "SCENES: dict[str, Scene] = {\n",
        "def shop(world: World) -> str:\n"
        '    made = world.owner("/shop/create", {"shop": {"name": "Harbour"}, **WHY})\n'
        '    return str(made.data["shop"]["shop_guid"])\n\n\n',
    )
    edit(
        root / "tests/contract/scenes.py",
        '    "/loyalty/adjust": lambda',
        '    "/shop/create": lambda _: {"shop": {"name": "Harbour"}, **WHY},\n'
        '    "/shop/get": lambda w: {"shop_guid": shop(w)},\n',
    )
    edit(
        root / "tests/contract/test_tenants.py",
        '    "customer_guid": lambda',
        '    "shop_guid": shop,\n',
    )
    edit(
        root / "tests/contract/test_tenants.py",
        "import SCENES, card, paid",
        "",
        "import SCENES, card, paid, shop",
    )
    # One run for both: most of a run's time is its start.
    written = ["tests/contract/test_costs.py", "tests/local/test_demo_world.py"]
    run(root, [*PYTEST, *written, "-k", "/shop"], COSTS="write", ANSWERS="write")
    run(root, [sys.executable, "-m", "infra.openapi"])
    return touched | {"tests/contract/costs.json", "infra/openapi/answers.json"}


def edit(path: Path, before: str, text: str, instead: str | None = None) -> None:
    whole = path.read_text()
    assert before in whole, f"{path.name} has no {before!r}"
    path.write_text(whole.replace(before, text + (before if instead is None else instead), 1))


def run(root: Path, command: list[str], **environment: str) -> str:
    from infra.local.settings import child_environment

    done = subprocess.run(
        command, cwd=root, env=child_environment(environment),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return done.stdout


def test_a_family_added_by_the_steps_passes_every_check(copy: Path) -> None:
    touched = add_the_family(copy)
    made = {"openapi.json", "crm-events.schema.json"}
    assert named_files() - made - {"tests/local/test_demo_world.py"} == touched
    house = [f"tests/test_{name}.py" for name in ("registries", "architecture", "documents")]
    where = ["tests/contract", "tests/local/test_demo_world.py", *house]
    chosen = " or ".join(["/shop", *(Path(name).name for name in house)])
    said = run(copy, [*PYTEST, *where, "-k", chosen])
    assert re.search(r"\d{3} passed", said)
    run(copy, [sys.executable, "-m", "ruff", "check", "lambdas/shop", "shared", "tests/contract"])
