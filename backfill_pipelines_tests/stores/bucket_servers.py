"""S3 of a local server, for tests that put files where others look for them."""

from typing import Any

from backfill_pipelines.stores.aws_clients import shared_client


def bucket_wire(endpoint: str) -> Any:
    """A client that may write, with made-up credentials."""
    return shared_client(
        "s3",
        1,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106
    )
