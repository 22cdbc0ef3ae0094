"""GraphQL as the UI sends it: launching, re-executing and reading backfills, starting a sensor."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Ask = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]

_LAUNCHED = """
  __typename
  ... on LaunchBackfillSuccess { backfillId }
  ... on PythonError { message }
"""
_LAUNCH = f"""
mutation($params: LaunchBackfillParams!) {{
  launchPartitionBackfill(backfillParams: $params) {{{_LAUNCHED}}}
}}
"""
_REEXECUTE = f"""
mutation($params: ReexecutionParams!) {{
  reexecutePartitionBackfill(reexecutionParams: $params) {{{_LAUNCHED}}}
}}
"""
_BACKFILL = """
query($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    __typename
    ... on PartitionBackfill {
      status
      error { message }
      assetBackfillData {
        assetBackfillStatuses {
          ... on AssetPartitionsStatusCounts {
            assetKey { path }
            numPartitionsTargeted numPartitionsInProgress numPartitionsMaterialized numPartitionsFailed
          }
        }
      }
      runs { runId status tags { key value } }
    }
  }
}
"""
_START_SENSOR = """
mutation($selector: SensorSelector!) {
  startSensor(sensorSelector: $selector) { __typename ... on PythonError { message } }
}
"""
_TICKS = """
query($selector: SensorSelector!) {
  sensorOrError(sensorSelector: $selector) {
    ... on Sensor { sensorState { ticks(limit: 9) { status skipReason } } }
  }
}
"""
_REPOSITORIES = "{ repositoriesOrError { ... on RepositoryConnection { nodes { name location { name } } } } }"


@dataclass(frozen=True)
class Backfill:
    """A backfill as its page shows it."""

    status: str
    #: Asset name -> targeted, in progress, materialised, failed.
    counts: Mapping[str, tuple[int, int, int, int]]
    #: First and last partition of each run, and its status.
    runs: Sequence[tuple[str, str, str]]
    #: What the queue was told of each run.
    priorities: Sequence[str | None]
    error: str | None

    @property
    def is_over(self) -> bool:
        return self.status not in ("REQUESTED", "CANCELING", "FAILING")


def launch(ask: Ask, assets: Sequence[str], partitions: Sequence[str]) -> str:
    """Launches a backfill of assets ``toy/<name>``; gives its id."""
    params = {
        "assetSelection": [{"path": ["toy", name]} for name in assets],
        "partitionNames": list(partitions),
        "tags": [],
    }
    return _launched(ask(_LAUNCH, {"params": params})["launchPartitionBackfill"])


def reexecute_from_failure(ask: Ask, backfill_id: str) -> str:
    """What "Re-execute from failure" on a backfill's page does; gives the id of the new one."""
    params = {"parentRunId": backfill_id, "strategy": "FROM_FAILURE"}
    return _launched(ask(_REEXECUTE, {"params": params})["reexecutePartitionBackfill"])


def _launched(answer: Mapping[str, Any]) -> str:
    assert answer["__typename"] == "LaunchBackfillSuccess", answer
    return str(answer["backfillId"])


def backfill(ask: Ask, backfill_id: str) -> Backfill:
    """Status, counts and runs of a backfill."""
    found = ask(_BACKFILL, {"id": backfill_id})["partitionBackfillOrError"]
    assert found["__typename"] == "PartitionBackfill", found
    counted = {
        str(part["assetKey"]["path"][-1]): (
            part["numPartitionsTargeted"],
            part["numPartitionsInProgress"],
            part["numPartitionsMaterialized"],
            part["numPartitionsFailed"],
        )
        for part in found["assetBackfillData"]["assetBackfillStatuses"]
    }
    tags = [{tag["key"]: tag["value"] for tag in run["tags"]} for run in found["runs"]]
    runs = [(*_range(known), str(run["status"])) for known, run in zip(tags, found["runs"], strict=True)]
    error = found["error"]["message"] if found["error"] else None
    priorities = [known.get("dagster/priority") for known in tags]
    return Backfill(str(found["status"]), counted, sorted(runs), priorities, error)


def _range(tags: Mapping[str, str]) -> tuple[str, str]:
    if "dagster/partition" in tags:
        return tags["dagster/partition"], tags["dagster/partition"]
    return tags["dagster/asset_partition_range_start"], tags["dagster/asset_partition_range_end"]


def repositories(ask: Ask) -> Sequence[Mapping[str, Any]]:
    """What the code location has loaded."""
    return ask(_REPOSITORIES, {})["repositoriesOrError"].get("nodes", [])


def start_sensor(ask: Ask, name: str) -> None:
    """The switch beside a sensor."""
    selector = _sensor(ask, name)
    answer = ask(_START_SENSOR, {"selector": selector})["startSensor"]
    assert answer["__typename"] == "Sensor", answer


def ticks(ask: Ask, name: str) -> Sequence[tuple[str, str | None]]:
    """Status and skip reason of the last ticks of a sensor, newest first."""
    found = ask(_TICKS, {"selector": _sensor(ask, name)})["sensorOrError"]["sensorState"]["ticks"]
    return [(str(tick["status"]), tick["skipReason"]) for tick in found]


def _sensor(ask: Ask, name: str) -> Mapping[str, str]:
    repository = repositories(ask)[0]
    return {
        "sensorName": name,
        "repositoryName": repository["name"],
        "repositoryLocationName": repository["location"]["name"],
    }
