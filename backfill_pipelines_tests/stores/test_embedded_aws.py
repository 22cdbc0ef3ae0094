"""The embedded server: one for all processes, kept apart from the outside, its state kept over a stop."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backfill_pipelines.stores.dynamodb_resource import DynamoDB
from backfill_pipelines.stores.embedded_aws import PINS, PROGRAM, EmbeddedAws, ServerNotRunning
from backfill_pipelines.stores.server_environments import ServerNotInstalled, python_of, server_environment
from backfill_pipelines_tests.stores.item_servers import ENVIRONMENTS
from backfill_pipelines_tests.stores.item_tables import FULL, SPEC, key_of

ASK = """
import sys
from pathlib import Path
from backfill_pipelines.stores.embedded_aws import EmbeddedAws
print(EmbeddedAws(Path(sys.argv[1]), Path(sys.argv[2])).endpoint())
"""

#: Asks the server's own functions, and again once they were replaced; prints both answers.
COMPARE = """
import copy, json, sys
from ministack.services import dynamodb
numbers, items = json.load(sys.stdin)
wide = {"KeySchema": [{"AttributeName": "GSI1PK", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
key = [{"AttributeName": "PK", "KeyType": "HASH"}]
texts = [{"AttributeName": name, "AttributeType": "S"} for name in ("PK", "GSI1PK")]
about = {"KeySchema": key, "AttributeDefinitions": texts, "BillingMode": "PAY_PER_REQUEST"}

def said(table):
    made = about | {"TableName": table, "GlobalSecondaryIndexes": [wide | {"IndexName": "GSI1"}]}
    found = [dynamodb._create_table(made)[0]]
    found += [[dynamodb._ddb_canonicalize_number(one), dynamodb._number_error(one)] for one in numbers]
    for batch in [items, *([one] for one in items)]:
        puts = [{"PutRequest": {"Item": item}} for item in copy.deepcopy(batch)]
        asked = {"RequestItems": {table: puts}, "ReturnConsumedCapacity": "INDEXES"}
        found.append(dynamodb._batch_write_item(asked)[::2])
    for item in copy.deepcopy(items):
        found.append(dynamodb._put_item({"TableName": table, "Item": item, "ReturnConsumedCapacity": "INDEXES"})[::2])
    found.append(dynamodb._scan({"TableName": table})[::2])
    return repr(found).replace(table, "table")

own = said("first")
program = {"__name__": "program"}
exec(open(sys.argv[1]).read(), program)
program["hasten"]()
print(json.dumps([own, said("other")]))
"""
#: Of every form that a number may have, and some that none may.
NUMBERS = (
    "0 -0 0.0 -0.0 00 1 -1 +1 01 1. .5 -.5 0.5 0.50 0.05 -0.05 100 1e2 1E-2 1e400 1e-400 1_0 1e 1.2.3 nan - . 12345"
    " 12345678901234567890123456789012345678 123456789012345678901234567890123456789 "
    "1234567890123456789012345678901234567800 0.12345678901234567890123456789012345678 "
    "0.000000000000000000000000000000000000000000000000000001 \u0661"
)


@pytest.fixture
def server(tmp_path: Path, ministack_endpoint: str) -> Iterator[EmbeddedAws]:  # noqa: ARG001
    """A server of its own, not started; where none can be installed the session's fixture skips."""
    found = EmbeddedAws(tmp_path / "aws", ENVIRONMENTS)
    yield found
    found.stop()


def resource(folder: Path) -> DynamoDB:
    return DynamoDB(table="Receipts-test", embedded=str(folder / "aws"), environments=str(ENVIRONMENTS))


def test_tables_and_items_survive_a_stop(server: EmbeddedAws, tmp_path: Path) -> None:
    first = resource(tmp_path)
    first.as_table().ensure(SPEC)
    first.store().put(FULL)
    pid = server.stop()
    assert pid is not None
    assert server.running() is None
    again = resource(tmp_path)
    item = again.store().get(key_of(FULL))
    assert item is not None
    assert item["components"] == FULL["components"]
    assert again.as_table().describe().indexes.keys() == SPEC.indexes.keys()


def test_processes_that_start_together_share_one_server(server: EmbeddedAws, tmp_path: Path) -> None:
    """Two servers of one folder would overwrite each other's state."""
    command = [sys.executable, "-c", ASK, tmp_path / "aws", ENVIRONMENTS]

    def ask(_: int) -> str:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    with ThreadPoolExecutor(3) as pool:
        told = set(pool.map(ask, range(3)))
    found = server.running()
    assert found is not None
    assert told == {found.endpoint}
    assert server.endpoint() == found.endpoint


def test_a_killed_server_is_noticed_and_started_again(server: EmbeddedAws) -> None:
    server.endpoint()
    found = server.running()
    assert found is not None
    os.kill(found.pid, signal.SIGKILL)
    for _ in range(3000):
        if server.running() is None:
            break
        time.sleep(0.02)
    assert server.running() is None
    server.endpoint()
    assert server.running() is not None


def test_the_server_has_none_of_our_variables_and_listens_here_only(
    server: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    monkeypatch.setenv("GATEWAY_PORT", "1")
    server.endpoint()
    found = server.running()
    assert found is not None
    environment = Path(f"/proc/{found.pid}/environ")
    if not environment.exists():
        pytest.skip("this system has no /proc to look into a process")
    assert b"very-secret" not in environment.read_bytes()
    listening = [line.split() for line in Path(f"/proc/{found.pid}/net/tcp").read_text().splitlines()[1:]]
    assert {words[1] for words in listening if words[1].endswith(f":{found.port:04X}") and words[3] == "0A"} == {
        f"0100007F:{found.port:04X}"
    }


def test_stopping_what_does_not_run_is_no_error(tmp_path: Path) -> None:
    server = EmbeddedAws(tmp_path / "aws", ENVIRONMENTS)
    assert server.stop() is None
    assert server.running() is None


def test_a_server_that_ends_at_once_is_an_error_with_its_log(tmp_path: Path, ministack_endpoint: str) -> None:  # noqa: ARG001
    (tmp_path / "aws" / "state").mkdir(parents=True)
    (tmp_path / "aws" / "ministack.py").write_text("raise SystemExit('no such luck')")
    with pytest.raises(ServerNotRunning, match=r"ended at once.*no such luck.*Repair"):
        EmbeddedAws(tmp_path / "aws", ENVIRONMENTS).endpoint()


def test_an_environment_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    with pytest.raises(ServerNotInstalled, match=r"nothing cannot be installed: .*Repair"):
        server_environment(tmp_path, "nothing", ["x==1"], find_python=lambda: str(tmp_path / "no-python"))
    assert not list(tmp_path.glob("*/complete"))


def test_the_hastened_server_answers_as_its_own_functions_do(ministack_endpoint: str) -> None:  # noqa: ARG001
    numbers = [*NUMBERS.split(" "), " 1", "1\n", "", None, 1]
    values = [{"N": one} for one in numbers]
    values += [{"S": "é" * 700}, {"SS": ["b", "a"]}, {"SS": ["a", "a"]}, {"NS": ["1", "1.0"]}, {"S": ""}, {}, {"X": 1}]
    values += [{"M": {"é": {"L": [{"N": "1.50"}, {"NULL": True}]}}}, {"M": {"n": {"N": "x"}}}, {"S": "x" * 409_600}]
    items = [{"PK": {"S": f"p{number}"}, "GSI1PK": {"S": "g"}, "v": value} for number, value in enumerate(values)]
    items += [{"PK": {"S": ""}}, {"PK": {"N": "1"}}, {"v": {"N": "1"}}, {"PK": {"S": "q"}, "GSI1PK": {"N": "1.50"}}]
    good = [
        item for item in items if item.get("v") in ({"N": "1.50"}, {"N": "0.50"}, {"SS": ["b", "a"]}, {"S": "é" * 700})
    ]
    home = server_environment(ENVIRONMENTS, "ministack", PINS)
    told = subprocess.run(
        [python_of(home), "-c", COMPARE, PROGRAM],
        input=json.dumps([numbers, [*items, *good]]),
        check=True,
        capture_output=True,
        text=True,
    )
    own, hastened = json.loads(told.stdout.splitlines()[-1])
    assert hastened == own
    assert own.count("200") > len(numbers) / 2
