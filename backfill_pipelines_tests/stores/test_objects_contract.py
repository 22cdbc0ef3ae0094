"""What an object store promises, on a local folder and on a bucket of a GCS emulator."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from backfill_pipelines.backfill.failures import StoreError
from backfill_pipelines.stores.objects import READ_BATCH, ObjectStore

# gcsfs asks a bucket's kind over gRPC, which no emulator speaks, and waits half a minute for the answer.
os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")

BRACKETED = "plays/2023-04-23/[2023-04-23]-0042200105-ATL@BKN.csv"
FILES = {
    "box/2023-04-23/a.json": b"{}",
    "box/2023-04-23/deep/er/b.json": b'{"b": 1}',
    "box/2023-04-231/c.json": b"c",
    "box/2023-04-24/empty.json": b"",
    "box/2023-04-24/Dončić.json": "č".encode(),
    BRACKETED: b"[0-9]*?",
}


@dataclass(frozen=True)
class Place:
    """A store, and how to write below its root."""

    store: ObjectStore
    write: Callable[[str, bytes], None]
    elsewhere: Callable[[str], ObjectStore]


@contextmanager
def emulator() -> Iterator[str]:
    """URL of a GCS emulator with an empty bucket, in this process."""
    server = pytest.importorskip("gcp_storage_emulator.server", reason="gcp-storage-emulator is not installed")
    from gcp_storage_emulator.handlers.buckets import create_bucket
    from gcp_storage_emulator.storage import Storage

    storage = Storage(use_memory_fs=True)
    create_bucket("feeds", storage)
    # Its own server takes one connection at a time; a store opens several and keeps them.
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(server.RequestHandler, storage)) as http:
        http.daemon_threads = True
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def folder(root: Path) -> Place:
    def write(key: str, content: bytes) -> None:
        (root / key).parent.mkdir(parents=True, exist_ok=True)
        (root / key).write_bytes(content)

    root.mkdir(exist_ok=True)
    return Place(ObjectStore(url=str(root)), write, lambda name: ObjectStore(url=str(root.parent / name)))


def bucket(endpoint: str, prefix: str) -> Place:
    gcsfs = pytest.importorskip("gcsfs")
    filesystem = gcsfs.GCSFileSystem(endpoint_url=endpoint, token="anon")  # noqa: S106
    return Place(
        ObjectStore(url=f"gs://feeds/{prefix}", endpoint=endpoint),
        lambda key, content: filesystem.pipe_file(f"feeds/{prefix}/{key}", content),
        lambda name: ObjectStore(url=f"gs://{name}", endpoint=endpoint),
    )


@pytest.fixture(scope="module", params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A store with the files, on each kind of storage."""
    if request.param == "folder":
        found = folder(tmp_path_factory.mktemp("objects") / "root")
        filled(found)
        yield found
        return
    with emulator() as endpoint:
        found = bucket(endpoint, "raw/nba")
        filled(found)
        yield found


def filled(place: Place) -> None:
    for key, content in FILES.items():
        place.write(key, content)


def test_a_folder_gives_all_objects_below_it_in_key_order(place: Place) -> None:
    found = place.store.find(["plays", "box/2023-04-24", "box/2023-04-23"])
    assert [info.key for info in found] == sorted(key for key in FILES if "231" not in key)
    assert {info.key: info.size for info in found} == {
        key: len(content) for key, content in FILES.items() if "231" not in key
    }


def test_a_folder_is_not_a_prefix_of_names(place: Place) -> None:
    """Files of the 23rd of April are not those of a folder that begins alike."""
    assert [info.key for info in place.store.find(["box/2023-04-23"])] == [
        "box/2023-04-23/a.json",
        "box/2023-04-23/deep/er/b.json",
    ]


def test_a_missing_folder_has_no_objects(place: Place) -> None:
    assert place.store.find(["box/2099-01-01", "nowhere/at/all"]) == []
    assert place.store.find([]) == []


def test_the_last_change_is_an_aware_recent_time(place: Place) -> None:
    """It orders the captures of files whose names have no time."""
    now = datetime.now(UTC)
    for info in place.store.find(["box", "plays"]):
        assert info.modified.tzinfo is not None
        assert abs(now - info.modified) < timedelta(minutes=10)


def test_contents_come_whole_and_in_the_order_asked_for(place: Place) -> None:
    keys = sorted(FILES, reverse=True)
    assert list(place.store.read(keys)) == [(key, FILES[key]) for key in keys]


def test_square_brackets_in_a_name_are_no_pattern(place: Place) -> None:
    assert [info.key for info in place.store.find(["plays/2023-04-23"])] == [BRACKETED]
    assert dict(place.store.read([BRACKETED])) == {BRACKETED: FILES[BRACKETED]}


def test_reading_nothing_gives_nothing(place: Place) -> None:
    assert list(place.store.read([])) == []


def test_an_object_that_has_gone_is_an_error(place: Place) -> None:
    """A file that vanishes between listing and reading must not count as one that says nothing."""
    with pytest.raises(FileNotFoundError):
        list(place.store.read(["box/2023-04-23/a.json", "box/2023-04-23/gone.json"]))


def test_new_objects_are_seen_by_the_next_listing(place: Place) -> None:
    """A repaired file is found by the same process that missed it."""
    assert place.store.find(["late"]) == []
    place.write("late/x.json", b"1")
    assert [(info.key, info.size) for info in place.store.find(["late"])] == [("late/x.json", 1)]
    place.write("late/x.json", b"22")
    assert [(info.key, info.size) for info in place.store.find(["late"])] == [("late/x.json", 2)]
    assert dict(place.store.read(["late/x.json"])) == {"late/x.json": b"22"}


def test_more_objects_than_a_batch_come_whole(place: Place) -> None:
    keys = ["box/2023-04-23/a.json", BRACKETED] * (READ_BATCH // 2 + 1)
    assert [content for _, content in place.store.read(keys)] == [FILES[key] for key in keys]


def test_a_missing_root_is_an_error_that_says_what_to_do(place: Place) -> None:
    """A mistyped folder must not look like a season without games."""
    store = place.elsewhere("typo")
    with pytest.raises(StoreError, match=r"does not exist\. Repair: set BACKFILL_FEEDS_URL") as raised:
        store.find(["box"])
    assert store.url in str(raised.value)


def test_what_is_written_is_read_and_replaced_as_a_whole(place: Place) -> None:
    for content in (b"one, longer", b"two"):
        place.store.write("manifest/new/a.json", content)
        assert list(place.store.read(["manifest/new/a.json"])) == [("manifest/new/a.json", content)]
    assert [info.key for info in place.store.find(["manifest/new"])] == ["manifest/new/a.json"]


def test_only_one_of_many_creates_an_object(tmp_path: Path) -> None:
    store = ObjectStore(url=str(tmp_path / "not yet there"), is_own=True)
    assert store.find(["manifest"]) == []
    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(lambda number: store.create("manifest/begun.json", str(number).encode()), range(32)))
    assert created.count(True) == 1
    assert list(store.read(["manifest/begun.json"])) == [("manifest/begun.json", str(created.index(True)).encode())]
    assert [info.key for info in store.find(["manifest"])] == ["manifest/begun.json"]
