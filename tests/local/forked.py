"""The administration command, from a process that has its modules in memory.

A start of the command takes a second, nearly all of it for imports. This module, run by ``-m``,
imports once. For each line of its input, a JSON list of arguments, it forks. The child is then the
command, as if it had just been started. The answer is a JSON line: status, output, errors.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile

import botocore.session


def main() -> None:
    from infra.local import admin

    # What the client reads when it is first made.
    botocore.session.get_session().get_service_model("dynamodb")
    for line in sys.stdin:
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            child = os.fork()
            if child == 0:
                os.dup2(out.fileno(), 1)
                os.dup2(err.fileno(), 2)
                sys.argv[1:] = json.loads(line)
                admin.main()
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            texts = []
            for file in (out, err):
                file.seek(0)
                texts.append(file.read().decode())
        print(json.dumps([status, *texts]), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
