"""A new process that does what Lambda does with a function: it imports the handler, named as
``module:name``, and calls it with the event on standard input. The last line is the answer.

It imports nothing else, and runs without ``site``: all that a function has is on its path.
"""

import json
import sys
from importlib import import_module


class Context:
    function_name = "crm-bench"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:crm-bench"
    aws_request_id = "bench-request"


if __name__ == "__main__":
    module, _, name = sys.argv[1].partition(":")
    handler = getattr(import_module(module), name)
    answer = handler(json.loads(sys.stdin.read()), Context())
    sys.stdout.write("\n" + json.dumps(answer) + "\n")
