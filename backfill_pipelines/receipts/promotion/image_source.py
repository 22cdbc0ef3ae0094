"""Where images come from: a folder of export files, or the partitions of the source table. One image at a time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.receipts.promotion.export_reading import SUFFIXES, image_id_of, read_export, stale_export
from backfill_pipelines.receipts.promotion.planned_image import PlannedImage, SetAside
from backfill_pipelines.receipts.promotion.promotion_settings import PromotionSettings
from backfill_pipelines.receipts.promotion.reading_rules import ReadingRules
from backfill_pipelines.receipts.promotion.table_reading import image_ids, partition_of, read_table_image
from backfill_pipelines.stores.dynamodb_resource import DynamoDB
from backfill_pipelines.stores.item_errors import ItemStoreError
from backfill_pipelines.stores.items import ItemStore
from backfill_pipelines.stores.objects import ObjectStore


@dataclass(frozen=True)
class Entry:
    """One image that a source offers, not yet read.

    Attributes:
        image_id: As the source names it.
        origin: Key of the file, or name of the table.
        modified_at: When the file was written; None for a partition, which is read as it is.
    """

    image_id: str
    origin: str
    modified_at: datetime | None = None


class ImageSource(Protocol):
    """Whatever offers images."""

    @property
    def name(self) -> str:
        """The folder or table, as a manifest names it."""
        ...

    @property
    def about(self) -> str:
        """What could be checked of it, in words."""
        ...

    def entries(self) -> list[Entry]:
        """All that it offers, by image and origin; nothing is read."""
        ...

    def read(self, entry: Entry) -> PlannedImage | SetAside:
        """What one image becomes.

        Raises:
            StoreError: the source cannot be read.
        """
        ...

    def stale(self, entry: Entry, now: datetime) -> SetAside | None:
        """Why what the source offers is not to be trusted any more."""
        ...


@dataclass(frozen=True)
class FileSource:
    """Export files below one root, ``{image_id}.json`` or ``{image_id}.json.gz``.

    Attributes:
        files: The files.
        rules: What reading follows.
        max_age: Up to which a file counts.
        table: The table they were exported from, where it can be asked.
        about: What could be checked of it, in words.
    """

    files: ObjectStore
    rules: ReadingRules
    max_age: timedelta
    table: ItemStore | None
    about: str

    @property
    def name(self) -> str:
        """The root."""
        return self.files.url

    def entries(self) -> list[Entry]:
        """Every file that ends like an export."""
        found = [
            Entry(image_id_of(info.key), info.key, info.modified)
            for info in self.files.find([""])
            if info.key.endswith(SUFFIXES) and not info.key.rsplit("/", 1)[-1].startswith(".")
        ]
        return sorted(found, key=lambda entry: (entry.image_id, entry.origin))

    def read(self, entry: Entry) -> PlannedImage | SetAside:
        """Read one file, and nothing ahead of it: a file has megabytes."""
        ((_, content),) = self.files.read([entry.origin])
        return read_export(entry.origin, content, self.rules)

    def stale(self, entry: Entry, now: datetime) -> SetAside | None:
        """By its age, or because the source no longer has the image."""
        row = {"PK": {"S": f"IMAGE#{entry.image_id}"}, "SK": {"S": "IMAGE"}}
        is_in_source = None if self.table is None else self.table.get(row) is not None
        return stale_export(entry.origin, entry.modified_at or now, now, self.max_age, is_in_source=is_in_source)


@dataclass(frozen=True)
class TableSource:
    """The partitions of a table, strongly consistent.

    Attributes:
        table: The items.
        name: Of the table.
        rules: What reading follows.
    """

    table: ItemStore
    name: str
    rules: ReadingRules
    about: str = "read from the table itself"

    def entries(self) -> list[Entry]:
        """Every image of the table."""
        return [Entry(image_id, self.name) for image_id in image_ids(self.table)]

    def read(self, entry: Entry) -> PlannedImage | SetAside:
        """Read one partition."""
        items = partition_of(self.table, entry.image_id)
        return read_table_image(items, entry.image_id, self.rules, origin=self.name)

    def stale(self, entry: Entry, now: datetime) -> SetAside | None:  # noqa: ARG002
        """Never: what is read is what is there."""
        return None


def build_source(settings: PromotionSettings, exports: ObjectStore, items: DynamoDB) -> ImageSource:
    """The source of the settings.

    Raises:
        SettingsError: the table is the source, and is not named.
        ItemStoreError: the table is the source, and does not answer.
    """
    if settings.source == "table":
        if not (name := settings.source_table):
            raise SettingsError("no source table is named. Repair: set the promotion's source table; it has no default")
        items.require_answer(name)
        return TableSource(items.store(name), name, settings.rules)
    table, about = _asked(settings.source_table, items)
    return FileSource(exports, settings.rules, settings.max_export_age, table, about)


def _asked(name: str, items: DynamoDB) -> tuple[ItemStore | None, str]:
    """The table that exports are checked against. Once it answers, an error of it stops the run."""
    if not name:
        return None, "no source table is named: exports of images that were deleted since are not noticed"
    try:
        items.require_answer(name)
    except ItemStoreError as error:
        return None, f"{name} does not answer, images that were deleted since are not noticed: {error}"
    return items.store(name), f"every image was asked for in {name}"
