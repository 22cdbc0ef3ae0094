"""The store of bodies: exactly the bytes received, found again with all that is known of them, damage noticed."""

import dataclasses
import gzip
import hashlib
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from backfill_pipelines.coffee.artifact_meta import artifact_id_of
from backfill_pipelines.coffee.artifacts import Answer, ArtifactError, Artifacts, BodyDamaged, BodyMissing
from backfill_pipelines.coffee.model import Capture, Source, natural_id
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines_tests.stores.test_objects_contract import emulator

SHOP = "https://shop.example"
SOURCE = Source(natural_id(f"source:shop:{SHOP}"), natural_id("roaster:shop"), "shop", SHOP, "shopify", "INR")
MOMENT = datetime(2025, 9, 18, 0, 33, 11, 250_000, tzinfo=timezone(timedelta(hours=5, minutes=30)))
BODY = b'{"products": [\n]}'
ANSWER = Answer(
    f"{SHOP}/products.json?limit=250",
    MOMENT,
    headers={"ETag": '"x"', "Set-Cookie": "secret", "Content-Type": "application/json; charset=utf-8"},
)
STEM = f"raw/shop/2025/09/17/20250917T190311250000Z-p1-{hashlib.sha256(BODY).hexdigest()[:12]}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "artifacts"


@pytest.fixture
def artifacts(folder: Path) -> Artifacts:
    return Artifacts(ObjectStore(url=str(folder), is_own=True))


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_body_is_stored_as_received_with_what_a_replay_needs(folder: Path, artifacts: Artifacts) -> None:
    capture = artifacts.save_body(SOURCE, BODY, ANSWER)
    assert files(folder) == [f"{STEM}.json.gz", f"{STEM}.meta.json"]
    assert gzip.decompress((folder / f"{STEM}.json.gz").read_bytes()) == BODY
    assert artifacts.load_body(capture) == BODY
    assert (capture.day, capture.observed_at) == (date(2025, 9, 17), datetime(2025, 9, 17, 19, 3, 11, 250_000, UTC))
    assert capture.headers == {"etag": '"x"', "content-type": "application/json; charset=utf-8"}
    assert artifacts.listing("shop").captures == [capture]


def test_the_replay_key_makes_the_id(artifacts: Artifacts) -> None:
    """Same bytes at the same time are the same artifact; at another time, or of another address, another one."""
    first = artifacts.save_body(SOURCE, BODY, ANSWER)
    assert first.id == natural_id(
        f"artifact:{SOURCE.id}:{ANSWER.url}:2025-09-17T19:03:11.250000+00:00:{hashlib.sha256(BODY).hexdigest()}"
    )
    assert artifacts.save_body(SOURCE, BODY, ANSWER) == first
    later = artifacts.save_body(SOURCE, BODY, dataclasses.replace(ANSWER, observed_at=MOMENT + timedelta(days=1)))
    second = artifacts.save_body(SOURCE, BODY, dataclasses.replace(ANSWER, url=f"{ANSWER.url}&page=2", page=2))
    assert len({first.id, later.id, second.id}) == 3
    assert (second.capture_id == first.capture_id, later.capture_id == first.capture_id) == (True, False)
    assert artifact_id_of(SOURCE.id, ANSWER.url, MOMENT, first.body_sha256) == first.id


def test_storing_again_writes_the_same_bytes_and_mends_a_damaged_body(folder: Path, artifacts: Artifacts) -> None:
    capture = artifacts.save_body(SOURCE, BODY, ANSWER)
    path = folder / f"{STEM}.json.gz"
    before, at = path.read_bytes(), path.stat().st_mtime_ns
    artifacts.save_body(SOURCE, BODY, ANSWER)
    assert path.stat().st_mtime_ns == at
    path.write_bytes(before[:-9] + b"\0" * 9)
    artifacts.save_body(SOURCE, BODY, ANSWER)
    assert path.read_bytes() == before
    assert artifacts.load_body(capture) == BODY


def test_what_becomes_known_later_is_told_by_storing_again(artifacts: Artifacts) -> None:
    artifacts.save_body(SOURCE, BODY, ANSWER)
    artifacts.save_body(SOURCE, BODY, dataclasses.replace(ANSWER, completeness="complete"))
    assert [capture.completeness for capture in artifacts.listing("shop").captures] == ["complete"]


def test_two_answers_never_share_a_place(artifacts: Artifacts) -> None:
    artifacts.save_body(SOURCE, BODY, ANSWER)
    other = dataclasses.replace(SOURCE, id=uuid.uuid4(), base_url="https://second.example")
    with pytest.raises(ArtifactError, match=r"products.json\?limit=250 of source .*later page number"):
        artifacts.save_body(other, BODY, ANSWER)


@pytest.mark.parametrize(
    "damage",
    [b"", b"no gzip", gzip.compress(BODY + b" ", mtime=0), gzip.compress(BODY * 100, mtime=0)[:40]],
    ids=["empty", "no_gzip", "other_bytes", "cut"],
)
def test_a_damaged_body_is_noticed(folder: Path, artifacts: Artifacts, damage: bytes) -> None:
    capture = artifacts.save_body(SOURCE, BODY, ANSWER)
    (folder / f"{STEM}.json.gz").write_bytes(damage)
    with pytest.raises(BodyDamaged, match=r"E_HASH_MISMATCH.*import its file again") as caught:
        artifacts.load_body(capture)
    assert caught.value.code == "E_HASH_MISMATCH"


def test_a_flipped_byte_is_noticed(folder: Path, artifacts: Artifacts) -> None:
    capture = artifacts.save_body(SOURCE, BODY * 50, ANSWER)
    path = folder / capture.storage_uri
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(BodyDamaged):
        artifacts.load_body(capture)


def test_one_that_is_gone_stops_no_other(folder: Path, artifacts: Artifacts) -> None:
    saved = [
        artifacts.save_body(SOURCE, BODY + b" " * page, dataclasses.replace(ANSWER, page=page)) for page in (1, 2, 3)
    ]
    (folder / saved[1].storage_uri).unlink()
    loaded = list(artifacts.load_bodies([*saved, saved[0]]))
    assert [item.body for item in loaded] == [BODY + b" ", b"", BODY + b"   ", BODY + b" "]
    assert [type(item.error) for item in loaded] == [type(None), BodyMissing, type(None), type(None)]


def test_what_is_not_whole_is_named_and_left_out(folder: Path, artifacts: Artifacts) -> None:
    """A writer that was killed between body and meta must not be taken for a capture."""
    kept = artifacts.save_body(SOURCE, BODY, ANSWER)
    for page in (2, 3, 4):
        artifacts.save_body(SOURCE, BODY, dataclasses.replace(ANSWER, page=page))
    stems = [STEM.replace("-p1-", f"-p{page}-") for page in (2, 3, 4)]
    (folder / f"{stems[0]}.meta.json").unlink()
    (folder / f"{stems[1]}.json.gz").unlink()
    (folder / f"{stems[2]}.meta.json").write_text('{"url": 1}')
    found = artifacts.listing("shop")
    assert found.captures == [kept]
    assert found.bodies_without_meta == [f"{stems[0]}.json.gz"]
    assert found.metas_without_body == [f"{stems[1]}.meta.json"]
    assert found.unreadable_metas == [f"{stems[2]}.meta.json"]


def test_days_and_roasters_are_listed_apart(artifacts: Artifacts) -> None:
    first = artifacts.save_body(SOURCE, BODY, ANSWER)
    second = artifacts.save_body(SOURCE, BODY, dataclasses.replace(ANSWER, observed_at=MOMENT + timedelta(days=7)))
    assert artifacts.listing("shop").captures == [first, second]
    assert artifacts.listing("shop", [date(2025, 9, 24), date(2025, 9, 25)]).captures == [second]
    assert artifacts.listing("sho").captures == []


def test_a_304_repeats_the_body_that_it_confirms(artifacts: Artifacts) -> None:
    first = artifacts.save_body(SOURCE, BODY, ANSWER)
    again = artifacts.save_confirmation(
        SOURCE, first, dataclasses.replace(ANSWER, observed_at=MOMENT + timedelta(days=7), completeness="complete")
    )
    assert (again.completeness, again.http_status, again.day) == ("not_modified", 304, date(2025, 9, 24))
    assert (again.body_sha256, again.storage_uri) == (first.body_sha256, first.storage_uri)
    assert artifacts.load_body(again) == BODY
    assert artifacts.listing("shop").captures == [first, again]
    assert artifacts.listing("shop", [date(2025, 9, 24)]).metas_without_body == []


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with emulator() as endpoint:
        yield endpoint


def test_a_bucket_holds_the_same(bucket: str) -> None:
    artifacts = Artifacts(ObjectStore(url="gs://feeds/coffee", is_own=True, endpoint=bucket))
    saved: list[Capture] = [
        artifacts.save_body(SOURCE, BODY + b" " * page, dataclasses.replace(ANSWER, page=page)) for page in (1, 2)
    ]
    assert artifacts.save_body(SOURCE, BODY + b" ", ANSWER) == saved[0]
    assert artifacts.listing("shop").captures == saved
    assert [item.body for item in artifacts.load_bodies(saved)] == [BODY + b" ", BODY + b"  "]
    gone = dataclasses.replace(saved[0], storage_uri="raw/shop/none.json.gz")
    with pytest.raises(BodyMissing, match="is not in the store"):
        artifacts.load_body(gone)
