"""Asking a bucket says present or absent only when it is so; everything else is an error."""

import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from backfill_pipelines.stores.buckets import BucketError, Buckets
from backfill_pipelines_tests.stores.bucket_servers import bucket_wire


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.fixture
def bucket(ministack_endpoint: str) -> str:
    name = f"files-{uuid.uuid4().hex[:12]}"
    wire = bucket_wire(ministack_endpoint)
    wire.create_bucket(Bucket=name)
    wire.put_object(Bucket=name, Key="raw/a b#1.png", Body=b"x")
    return name


def test_an_object_is_there_under_exactly_its_key(ministack_endpoint: str, bucket: str) -> None:
    buckets = Buckets(endpoint=ministack_endpoint)
    assert buckets.has(bucket, "raw/a b#1.png")
    assert not buckets.has(bucket, "raw/a b#1.pn")
    assert not buckets.has(bucket, "raw")


def test_a_missing_bucket_is_an_error_and_not_a_missing_object(ministack_endpoint: str) -> None:
    """A typing error in the map of buckets would quarantine every image otherwise."""
    with pytest.raises(BucketError, match=r"there is no bucket no-such-bucket-1\. Repair: "):
        Buckets(endpoint=ministack_endpoint).has("no-such-bucket-1", "raw/a.png")


@pytest.fixture
def refusing() -> Iterator[str]:
    """URL of a server that answers every question with 403, as S3 does without the right to list."""

    class Refuse(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(403 if self.path.count("/") > 1 else 200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with HTTPServer(("127.0.0.1", 0), Refuse) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_forbidden_says_nothing_about_the_object(refusing: str) -> None:
    with pytest.raises(BucketError, match=r"files-1/raw/a\.png: .*it needs s3:GetObject and s3:ListBucket"):
        Buckets(endpoint=refusing).has("files-1", "raw/a.png")


def test_no_answer_is_an_error() -> None:
    with pytest.raises(BucketError, match="check the network"):
        Buckets(endpoint="http://127.0.0.1:9").has("files-1", "raw/a.png")
