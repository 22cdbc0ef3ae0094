"""Errors of an item store: each names table, operation, key, and what to do.

StoreError
└── ItemStoreError
    ├── Throttled          refused for its rate; nothing was done
    ├── NotAllProcessed    a batch was given up with a rest, which is named
    ├── ConditionFailed    the item is not as the condition wants it: the only error that means "exists"
    ├── ItemTooLarge       more than 400 KB
    ├── InvalidRequest     the store says that the request itself is wrong
    ├── AccessDenied       the credentials or their rights are wrong
    ├── TableMissing       no such table, in this account and region
    ├── TableBusy          the table is being created or changed
    ├── TableDiffers       the table or an index is not what was asked for
    └── NoAnswer           no answer, or a fault of the server: a write may or may not have been applied

An absent item is no error: reading it gives None. No error of this list means "absent".
"""

from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from backfill_pipelines.backfill.failures import StoreError

_TOO_LARGE = "Item size"


class ItemStoreError(StoreError):
    """Base of all of them; ``operation`` is the call that failed."""

    advice = "read the text above; the request was not carried out"

    def __init__(self, table: str, operation: str, about: str, text: str) -> None:
        super().__init__(f"{table}: {operation}{f' {about}' if about else ''}: {text}. Repair: {self.advice}")
        self.table = table
        self.operation = operation


class Throttled(ItemStoreError):
    """The table, an index or one of its partitions refused the rate."""

    advice = "write more slowly, or raise the capacity of the table or index that is named"

    def __init__(self, table: str, operation: str, about: str, text: str, throttled: Sequence[str] = ()) -> None:
        where = f" (throttled: {', '.join(throttled)})" if throttled else ""
        super().__init__(table, operation, about, text + where)
        #: What refused, where the service says it.
        self.throttled = tuple(throttled)


class ConditionFailed(ItemStoreError):
    """The stored item is another than the condition wants."""

    advice = "none is needed when the item may exist: read it and decide"

    def __init__(self, table: str, operation: str, about: str, current: Mapping[str, Any] | None) -> None:
        super().__init__(table, operation, about, "the stored item is not as the condition wants it")
        #: The stored item at the moment of the check; None when there was none, or the server does not tell.
        self.current = current


class NotAllProcessed(ItemStoreError):
    """A batch was given up; ``rest`` holds the keys that were not processed, all others were."""

    advice = "run again with the rest, more slowly"

    def __init__(self, table: str, operation: str, rest: Sequence[Mapping[str, Any]], rounds: int) -> None:
        first = f"; first {about_key(rest[0])}" if rest else ""
        super().__init__(table, operation, "", f"{len(rest)} items were not processed in {rounds} rounds{first}")
        self.rest = tuple(rest)


class ItemTooLarge(ItemStoreError):
    """An item of more than 400 KB."""

    advice = "leave out what makes it so large; a batch with such an item writes nothing"


class InvalidRequest(ItemStoreError):
    """The store does not accept the request."""

    advice = "correct the item or the expression; trying again changes nothing"


class AccessDenied(ItemStoreError):
    """Credentials are missing, expired or without the right."""

    advice = "check AWS_PROFILE or AWS_ACCESS_KEY_ID, their expiry, and that their policy allows this call"


class TableMissing(ItemStoreError):
    """There is no such table, index or backup."""

    advice = (
        "check BACKFILL_RECEIPTS_TABLE (of a promotion BACKFILL_PROMOTION_SOURCE_TABLE and "
        "BACKFILL_PROMOTION_TARGET_TABLE), BACKFILL_AWS_REGION and the account"
    )


class TableBusy(ItemStoreError):
    """The table is in use by another change of its structure."""

    advice = "wait until the table is ACTIVE, then run again"


class TableDiffers(ItemStoreError):
    """The table or an index is not what was asked for."""

    advice = "compare the two; this project never changes the keys of an existing table or index"


class NoAnswer(ItemStoreError):
    """It is not known whether a write was applied."""

    advice = "read the item back: the write may have been applied. Then run again"


_BY_CODE: dict[str, type[ItemStoreError]] = {
    "ValidationException": InvalidRequest,
    "ItemCollectionSizeLimitExceededException": InvalidRequest,
    "AccessDeniedException": AccessDenied,
    "AccessDenied": AccessDenied,
    "UnrecognizedClientException": AccessDenied,
    "InvalidClientTokenId": AccessDenied,
    "InvalidSignatureException": AccessDenied,
    "IncompleteSignatureException": AccessDenied,
    "MissingAuthenticationTokenException": AccessDenied,
    "ExpiredTokenException": AccessDenied,
    "ExpiredToken": AccessDenied,
    "ResourceNotFoundException": TableMissing,
    "TableNotFoundException": TableMissing,
    "BackupNotFoundException": TableMissing,
    "ResourceInUseException": TableBusy,
    "LimitExceededException": TableBusy,
    "TableInUseException": TableBusy,
    "ContinuousBackupsUnavailableException": TableBusy,
    "InternalServerError": NoAnswer,
    "InternalFailure": NoAnswer,
    "ServiceUnavailable": NoAnswer,
}
_THROTTLING = {
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "Throttling",
    "RequestLimitExceeded",
    "TooManyRequestsException",
}
_FIRST_SERVER_FAULT = 500


def about_key(key: Mapping[str, Any]) -> str:
    """A key or an item's key as people read it: ``IMAGE#.. RECEIPT#..``."""
    names = [name for name in ("PK", "SK") if name in key] or list(key)[:2]
    return " ".join(str(next(iter(key[name].values()))) for name in names)


def translated(error: ClientError | BotoCoreError, table: str, operation: str, about: str) -> ItemStoreError:
    """The error of this project for an error of botocore."""
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return AccessDenied(table, operation, about, str(error))
    if not isinstance(error, ClientError):
        return NoAnswer(table, operation, about, f"no answer ({error})")
    answer: Mapping[str, Any] = error.response
    code = answer.get("Error", {}).get("Code", "")
    text = f"{code}: {answer.get('Error', {}).get('Message', '')}"[:600].rstrip(".")
    if code == "ConditionalCheckFailedException":
        return ConditionFailed(table, operation, about, answer.get("Item"))
    if code in _THROTTLING:
        return Throttled(table, operation, about, text, _throttled(answer))
    if code == "ValidationException" and _TOO_LARGE in text:
        return ItemTooLarge(table, operation, about, text)
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    kind = _BY_CODE.get(code, NoAnswer if status >= _FIRST_SERVER_FAULT else ItemStoreError)
    return kind(table, operation, about, text)


def _throttled(answer: Mapping[str, Any]) -> list[str]:
    """Names of what throttled: newer answers list the ARN of each table or index, under a name in either case."""
    reasons = answer.get("ThrottlingReasons") or answer.get("throttlingReasons") or []
    found = [str(reason.get("resource", "")) for reason in reasons]
    return sorted({name.rsplit("/", 1)[-1] for name in found if name})
