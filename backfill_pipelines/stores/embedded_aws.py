"""The embedded DynamoDB, S3 and SQS: one ministack server for all processes of a state folder.

Started on demand in an environment of its own. Stopped gracefully it saves its state; killed it loses what was
written since its start.
"""

from collections.abc import Sequence
from pathlib import Path

from backfill_pipelines.stores.embedded_server import EmbeddedServer, RunningServer, ServerNotRunning
from backfill_pipelines.stores.server_environments import python_of, server_environment

__all__ = ["PINS", "PROGRAM", "SERVICES", "EmbeddedAws", "RunningServer", "ServerNotRunning"]

PINS = ("ministack==1.5.33",)
SERVICES = "dynamodb,dynamodbstreams,s3,sqs"

#: What runs in the server's environment: given as text, so that none of this project's modules is beside its own.
PROGRAM = Path(__file__).with_name("embedded_aws_program.py")


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
        return ("-c", PROGRAM.read_text())

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
