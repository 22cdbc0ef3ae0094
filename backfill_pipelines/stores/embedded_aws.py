"""The embedded DynamoDB, S3 and SQS: one ministack server for all processes of a state folder.

Started on demand in an environment of its own. Stopped gracefully it saves its state; killed it loses what was
written since its start.
"""

from collections.abc import Sequence
from pathlib import Path

from backfill_pipelines.stores.embedded_server import EmbeddedServer, RunningServer, ServerNotRunning
from backfill_pipelines.stores.server_environments import python_of, server_environment

__all__ = ["PINS", "SERVICES", "EmbeddedAws", "RunningServer", "ServerNotRunning"]

PINS = ("ministack==1.5.33",)
SERVICES = "dynamodb,dynamodbstreams,s3,sqs"

#: The server looks at each number of an item up to ten times, by functions of nothing but its text: a third of its
#: processor time. Their answers are remembered; where a version has no such function there is nothing to remember.
_SERVE = """
import functools
from ministack.services import dynamodb

def remembering(function):
    known = functools.lru_cache(100_000)(function)
    return functools.wraps(function)(lambda text: known(text) if type(text) is str else function(text))

for name in ("_ddb_canonicalize_number", "_number_error", "_number_size_bytes"):
    if hasattr(dynamodb, name):
        setattr(dynamodb, name, remembering(getattr(dynamodb, name)))

from ministack.app import main
main()
"""


class EmbeddedAws(EmbeddedServer):
    """The server of one state folder."""

    name = "the embedded AWS server"
    health = "/_ministack/health"

    def __init__(self, folder: Path, environments: Path) -> None:
        super().__init__(folder)
        self._environments = environments
        self.last_resort = f"at worst delete {environments} to have it made anew"

    def python(self) -> Path:
        """Of an environment with the server, which is made when it is missing."""
        return python_of(server_environment(self._environments, "ministack", PINS))

    def arguments(self, port: str) -> Sequence[str]:  # noqa: ARG002
        """It takes its port from a variable."""
        return ("-c", _SERVE)

    def variables(self, port: str) -> dict[str, str]:
        """Where it listens and what it keeps where."""
        return {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": port,
            "SERVICES": SERVICES,
            "LOG_LEVEL": "WARNING",
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self._folder / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self._folder / "s3"),
        }
