"""The bytecode of what is uploaded. Without it each cold start compiles every module first.

It is compiled by the Python version of the functions, and marked as never to be compared with its
source: the two are always uploaded together. A module is compiled once for each content, and then
copied from a cache.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TAG = "cpython-313"
"""How Python 3.13 marks the files that are its own."""
_COMPILER = ROOT / "infra" / "bytecode.mjs"


class NotCompiled(Exception):
    """There is no bytecode: the compiler is missing, or a module does not compile."""


@dataclass(frozen=True, slots=True)
class _Module:
    """A module that is uploaded. ``name``: its path there, which tracebacks show."""

    path: Path
    name: str

    @property
    def cached(self) -> str:
        """The name of its bytecode in the cache: it stands for the name and the content."""
        digest = hashlib.sha256(self.name.encode() + b"\0" + self.path.read_bytes())
        return f"{digest.hexdigest()}.pyc"

    @property
    def target(self) -> Path:
        return self.path.parent / "__pycache__" / f"{self.path.stem}.{TAG}.pyc"


def add(folders: Iterable[tuple[Path, str]], cache: Path) -> None:
    """Adds the bytecode of every module in these folders, each named with the place where it is
    uploaded to. Raises ``NotCompiled``."""
    modules = [
        _Module(path, f"{place}/{path.relative_to(folder)}")
        for folder, place in folders
        for path in sorted(folder.rglob("*.py"))
    ]
    cache.mkdir(parents=True, exist_ok=True)
    known = {module: module.cached for module in modules}
    _compile([m for m, name in known.items() if not (cache / name).is_file()], known, cache)
    for module, name in known.items():
        module.target.parent.mkdir(exist_ok=True)
        shutil.copyfile(cache / name, module.target)


def _compile(modules: list[_Module], known: dict[_Module, str], cache: Path) -> None:
    once = {known[module]: module for module in modules}
    if not once:
        return
    if not (ROOT / "node_modules" / "pyodide").is_dir() or shutil.which("node") is None:
        raise NotCompiled(
            "The functions' Python 3.13, which compiles what is uploaded, is missing: it comes "
            "with the Node packages of this project. Install Node, and run `make package`."
        )
    # The sources are copied beside their bytecode: the compiler sees no other folder.
    work = cache / "sources"
    work.mkdir(exist_ok=True)
    for name, module in once.items():
        shutil.copyfile(module.path, work / f"{name}.py")
    asked = {
        "root": str(cache),
        "modules": [
            {"source": f"sources/{name}.py", "target": name, "name": module.name}
            for name, module in once.items()
        ],
    }
    made = subprocess.run(
        ["node", str(_COMPILER)],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    shutil.rmtree(work)
    if made.returncode != 0:
        raise NotCompiled(f"A module cannot be compiled: {made.stderr[-2000:]}")
