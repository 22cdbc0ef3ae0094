"""The stand-in of the Places API, by plain HTTP: it must refuse what Google refuses, or it proves nothing."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from backfill_pipelines.backfill.failures import StoreError
from backfill_pipelines.stores.embedded_places import EmbeddedPlaces, StandInControl
from backfill_pipelines.stores.places import retry_after_seconds
from backfill_pipelines.stores.places_generated import plus_code
from backfill_pipelines.stores.places_standin import ServedStandIn, standin_in_thread

ID = "ChIJ6Z8PF8SdwoAR-hJVNYMOheQ"


@pytest.fixture
def served() -> Iterator[ServedStandIn]:
    with standin_in_thread() as found:
        yield found


def get(
    served: ServedStandIn, place_id: str = ID, mask: str | None = "id", key: str | None = "embedded"
) -> httpx.Response:
    headers = {"X-Goog-FieldMask": mask, "X-Goog-Api-Key": key}
    return httpx.get(
        f"{served.url}/v1/places/{place_id}", headers={n: v for n, v in headers.items() if v}, trust_env=False
    )


@pytest.mark.parametrize(
    ("mask", "key", "place_id", "status", "said"),
    [
        (None, "embedded", ID, 400, "FieldMask is a required parameter"),
        ("id,colour", "embedded", ID, 400, "colour"),
        ("id, types", "embedded", ID, 400, "' types'"),
        ("places.id", "embedded", ID, 400, "places.id"),
        ("id", None, ID, 401, "API key"),
        ("id", "wrong", ID, 403, "API key"),
        ("id", "embedded", "short", 400, "Not a valid Place ID: short"),
    ],
)
def test_a_wrong_request_is_refused_in_googles_shape(
    served: ServedStandIn, mask: str | None, key: str | None, place_id: str, status: int, said: str
) -> None:
    answer = get(served, place_id, mask, key)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["code"] == status
    assert said in error["message"]
    assert error["status"] in ("INVALID_ARGUMENT", "UNAUTHENTICATED", "PERMISSION_DENIED")
    assert served.state.meters()["billable"] == {}


def test_only_masked_fields_are_answered_and_billed_at_the_dearest(served: ServedStandIn) -> None:
    assert get(served, mask="id,location").json().keys() == {"id", "location"}
    assert get(served, mask="id").json() == {"id": ID}
    assert set(get(served, mask="displayName.text").json()["displayName"]) == {"text"}
    get(served, mask="id,websiteUri")
    assert served.state.meters() == {
        "requests": 4,
        "by_status": {"200": 4},
        "billable": {
            "Place Details Essentials": 1,
            "Place Details Essentials (IDs only)": 1,
            "Place Details Pro": 1,
            "Place Details Enterprise": 1,
        },
    }


def test_an_id_has_one_made_up_place_for_ever(served: ServedStandIn) -> None:
    first, second, other = get(served, mask="*"), get(served, mask="*"), get(served, ID[:-1] + "x", "*")
    assert first.json() == second.json() != other.json()
    assert first.json()["id"] == ID


def test_loaded_bodies_are_answered_and_unknown_ids_are_not_found_on_request(served: ServedStandIn) -> None:
    control = StandInControl(served.url)
    assert control.load([{"id": ID, "displayName": {"text": "Chase Bank"}}]) == 1
    control.script(makes_up_places=False)
    assert get(served, mask="displayName").json() == {"displayName": {"text": "Chase Bank"}}
    assert get(served, "ChIJanother_one").status_code == 404


def test_limits_of_a_minute_and_a_day_are_kept(served: ServedStandIn) -> None:
    control = StandInControl(served.url)
    control.script(queries_per_minute=2, retry_after="7")
    assert [get(served).status_code for _ in range(3)] == [200, 200, 429]
    assert get(served).headers["Retry-After"] == "7"
    control.script(queries_per_minute=None, daily_quota=5)
    assert "per day" in [get(served).json() for _ in range(3)][-1]["error"]["message"]
    with pytest.raises(StoreError, match="no colour"):
        control.script(colour="red")
    control.reset()
    assert control.meters()["requests"] == 0
    assert [get(served).status_code, len(control.log())] == [200, 1]


def test_a_plus_code_is_the_real_one() -> None:
    assert plus_code(51.510383, -0.122075) == "9C3XGV6H+55"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(None, None), ("7", 7.0), ("soon", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value) == seconds


def test_the_embedded_one_is_shared_by_processes_and_keeps_what_was_loaded(tmp_path: Path) -> None:
    server = EmbeddedPlaces(tmp_path / "places")
    asks = "import sys; from pathlib import Path; from backfill_pipelines.stores.embedded_places import EmbeddedPlaces"
    command = [
        sys.executable,
        "-c",
        f"{asks}; print(EmbeddedPlaces(Path(sys.argv[1])).endpoint())",
        tmp_path / "places",
    ]
    try:
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        assert told == server.endpoint()
        StandInControl(told).load([{"id": ID, "websiteUri": "https://kept.example/"}])
        assert server.stop() is not None
        assert server.running() is None
        again = ServedStandIn(server.endpoint(), None)  # pyright: ignore[reportArgumentType]
        assert get(again, mask="websiteUri").json() == {"websiteUri": "https://kept.example/"}
    finally:
        server.stop()
