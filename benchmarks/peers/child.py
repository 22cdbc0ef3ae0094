"""Runs one command and writes its seconds and its peak memory to a file: ``child.py RESULT COMMAND...``.

A process of its own, because Linux counts the memory of the process that starts a child as the child's.
The peak is that of the largest process the command consists of.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    result, *command = sys.argv[1:]
    start = time.perf_counter()
    code = subprocess.call(command)
    seconds = time.perf_counter() - start
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    Path(result).write_text(json.dumps({"seconds": seconds, "peak_mb": peak_mb}), "utf-8")
    sys.exit(code)


if __name__ == "__main__":
    main()
