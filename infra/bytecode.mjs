// Compiles modules with the Python of the functions, 3.13. It comes from a package, as WebAssembly,
// so that no Python 3.13 is needed on the machine: bytecode is the same on every processor.
//
// Reads JSON from standard input: {"root": folder, "modules": [{"source", "target", "name"}]}, with
// paths below the folder. Each target gets the bytecode of its source, which is never compared with
// the source again. Ends with 1, and says why, where a module does not compile.

import { readFileSync } from "node:fs";
import { loadPyodide } from "pyodide";

const { root, modules } = JSON.parse(readFileSync(0, "utf8"));
const python = await loadPyodide();
python.FS.mkdirTree("/host");
python.FS.mount(python.FS.filesystems.NODEFS, { root }, "/host");
python.globals.set("modules", JSON.stringify(modules));
try {
  python.runPython(`
import json, py_compile, sys
if sys.version_info[:2] != (3, 13):
    raise RuntimeError(f"the functions run on Python 3.13, this is {sys.version}")
for module in json.loads(modules):
    py_compile.compile(
        f"/host/{module['source']}", f"/host/{module['target']}", module["name"], doraise=True,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
`);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
