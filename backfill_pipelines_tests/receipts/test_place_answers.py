"""The table of answers as a pure function, with the cases in which a wrong reading would be expensive."""

import json

import pytest

from backfill_pipelines.receipts.place_answers import AnswerKind, judge

ID = "ChIJ6Z8PF8SdwoAR-hJVNYMOheQ"


def error(status: str, message: str, details: object = None) -> bytes:
    return json.dumps({"error": {"code": 0, "message": message, "status": status, "details": details}}).encode()


CASES = [
    ("ok", 200, {"id": ID, "location": {}}, AnswerKind.OK),
    ("another id", 200, {"id": "other"}, AnswerKind.OK),
    ("moved", 200, {"id": ID, "movedPlaceId": "new"}, AnswerKind.MOVED),
    ("moved with location", 200, {"id": ID, "movedPlaceId": "new", "location": {"latitude": 1}}, AnswerKind.OK),
    ("empty", 200, b"", AnswerKind.BAD_RESPONSE),
    ("html", 200, b"<html>", AnswerKind.BAD_RESPONSE),
    ("list", 200, [], AnswerKind.BAD_RESPONSE),
    ("no id", 200, {"displayName": {}}, AnswerKind.BAD_RESPONSE),
    ("blank id", 200, {"id": " "}, AnswerKind.BAD_RESPONSE),
    ("half a character", 200, b'{"id": "%s", "x": "\\ud800"}' % ID.encode(), AnswerKind.BAD_RESPONSE),
    ("no number", 200, b'{"id": "%s", "location": {"latitude": NaN}}' % ID.encode(), AnswerKind.BAD_RESPONSE),
    (
        "too deep to keep",
        200,
        b'{"id": "%s", "x": %s}' % (ID.encode(), b"[" * 500 + b"]" * 500),
        AnswerKind.BAD_RESPONSE,
    ),
    ("number as id", 200, {"id": 7}, AnswerKind.BAD_RESPONSE),
    ("obsolete", 404, error("NOT_FOUND", "The Place ID is no longer valid."), AnswerKind.OBSOLETE_ID),
    ("404 of a proxy", 404, b"<html>not found</html>", AnswerKind.CONFIG_ERROR),
    ("404 of a wrong path", 404, error("NOT_FOUND", "Method not found."), AnswerKind.CONFIG_ERROR),
    ("id by name", 400, error("INVALID_ARGUMENT", f"Not valid: {ID}"), AnswerKind.MALFORMED_ID),
    ("id in words", 400, error("INVALID_ARGUMENT", "Not a valid Place ID"), AnswerKind.MALFORMED_ID),
    ("id in details", 400, error("INVALID_ARGUMENT", "invalid", [{"field": "place_id"}]), AnswerKind.MALFORMED_ID),
    ("mask", 400, error("INVALID_ARGUMENT", "FieldMask is a required parameter"), AnswerKind.CONFIG_ERROR),
    ("mask and id", 400, error("INVALID_ARGUMENT", f"field mask of {ID}"), AnswerKind.CONFIG_ERROR),
    ("something else", 400, error("INVALID_ARGUMENT", "Request is invalid"), AnswerKind.CONFIG_ERROR),
    ("wrong key", 400, error("INVALID_ARGUMENT", "API key not valid."), AnswerKind.AUTH_ERROR),
    ("401", 401, b"", AnswerKind.AUTH_ERROR),
    ("403", 403, error("PERMISSION_DENIED", "denied"), AnswerKind.AUTH_ERROR),
    ("409", 409, b"", AnswerKind.CONFIG_ERROR),
    ("redirect", 302, b"", AnswerKind.CONFIG_ERROR),
    ("429", 429, error("RESOURCE_EXHAUSTED", "limit 'GetPlaceRequest per minute'"), AnswerKind.RATE_LIMITED),
    ("daily", 429, error("RESOURCE_EXHAUSTED", "limit 'GetPlaceRequest per day'"), AnswerKind.QUOTA_USED_UP),
    (
        "daily in details",
        429,
        error("RESOURCE_EXHAUSTED", "Quota exceeded", [{"quota_limit": "GetPlacePerDayPerProject"}]),
        AnswerKind.QUOTA_USED_UP,
    ),
    *((f"{status}", status, b"", AnswerKind.TRANSIENT) for status in (500, 502, 503, 504)),
    ("no answer", None, b"", AnswerKind.TRANSIENT),
]


@pytest.mark.parametrize(("status", "body", "kind"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_an_answer_is_what_the_table_says(status: int | None, body: object, kind: AnswerKind) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert judge(ID, status, content).kind is kind


def test_a_move_says_nothing_when_no_location_was_asked_for() -> None:
    found = judge(ID, 200, json.dumps({"id": ID, "movedPlaceId": "new"}).encode(), asks_location=False)
    assert (found.kind, found.response_id, found.notes) == (AnswerKind.OK, "new", ("id_moved",))


def test_a_refusal_is_told_in_googles_words() -> None:
    assert "no longer valid" in judge(ID, 404, error("NOT_FOUND", "The Place ID is no longer valid.")).detail
