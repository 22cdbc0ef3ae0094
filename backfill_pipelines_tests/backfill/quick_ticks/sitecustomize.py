"""Read by every Python process of a test's ``dagster dev``, through PYTHONPATH.

The backfill daemon's tick of 30 seconds is a constant of Dagster that nothing configures. Two seconds instead of 30
is the only thing in which the server of the tests differs from a real one.
"""

import sys

if "dagster._daemon" in sys.orig_argv:
    from dagster._daemon import controller

    controller.DEFAULT_DAEMON_INTERVAL_SECONDS = 2
