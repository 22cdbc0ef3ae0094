"""The bucket edge: whether an object is in an S3 bucket. Asks, and neither reads nor writes an object."""

import threading
from typing import Any

import dagster as dg
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import Field, PrivateAttr

from backfill_pipelines.backfill.failures import StoreError
from backfill_pipelines.stores.aws_clients import aws_options, shared_client

_ATTEMPTS = 8
_NOT_FOUND = 404
_FORBIDDEN = 403


class BucketError(StoreError):
    """A bucket does not answer, or does not let us ask. It never means that an object is absent."""


class Buckets(dg.ConfigurableResource):
    """The S3 buckets of one account and region."""

    region: str = Field(default="us-east-1", description="AWS region of the buckets.")
    endpoint: str | None = Field(default=None, description="URL of an S3-compatible server; None for AWS.")
    embedded: str | None = Field(default=None, description="Folder of the embedded server; None where there is none.")
    environments: str = Field(default="", description="Folder of the environments of local servers.")
    _lock: Any = PrivateAttr(default_factory=threading.Lock)
    _asked: set[str] = PrivateAttr(default_factory=set)
    _client: Any = PrivateAttr(default=None)

    def has(self, bucket: str, key: str) -> bool:
        """Whether the bucket holds an object under exactly this key; safe for many threads.

        Raises:
            BucketError: nothing can be said about it.
        """
        self._require(bucket)
        return self._head(bucket, key)

    def _require(self, bucket: str) -> None:
        """Ask for the bucket itself once: a missing one answers like a missing object."""
        with self._lock:
            if bucket in self._asked:
                return
            if not self._head(bucket, None):
                raise BucketError(
                    f"there is no bucket {bucket}. Repair: correct the bucket map, or ask in the right account"
                )
            self._asked.add(bucket)

    def _head(self, bucket: str, key: str | None) -> bool:
        wire, about = self._wire(), bucket if key is None else f"{bucket}/{key}"
        try:
            if key is None:
                wire.head_bucket(Bucket=bucket)
            else:
                wire.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            if status == _NOT_FOUND:
                return False
            # Without s3:ListBucket a missing object is "forbidden" too, so that this says nothing.
            right = " (it needs s3:GetObject and s3:ListBucket)" if status == _FORBIDDEN else ""
            raise BucketError(f"{about}: {error}. Repair: check credentials and rights{right}") from error
        except BotoCoreError as error:
            raise BucketError(f"{about}: {error}. Repair: check the network, region and credentials") from error
        return True

    def _wire(self) -> Any:
        if self._client is None:
            options = aws_options(self.region, self.endpoint, self.embedded, self.environments)
            self._client = shared_client("s3", _ATTEMPTS, **options)
        return self._client
