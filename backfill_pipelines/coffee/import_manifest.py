"""The import manifest: what an operator knows of files that do not say it themselves, by their path.

``{"files": {"raw/shop.json": {"observed_at": "2025-09-20T00:00:00Z", "source": "https://shop.example"}}}``
"""

from collections.abc import Iterable, Mapping
from typing import Literal

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from backfill_pipelines.backfill.failures import BackfillError


class ManifestError(BackfillError):
    """The manifest is wrong."""


class FileEntry(BaseModel):
    """What is known of one file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: When the shop answered, with its zone.
    observed_at: AwareDatetime | None = None
    #: A roaster's slug, or the base URL of one of its feeds.
    source: str | None = None
    #: How much of the catalogue it holds, where a person looked.
    completeness: Literal["complete", "partial", "filtered", "unknown"] | None = None
    #: Of a capture of several files, which share its time.
    page: int = Field(1, ge=1)


class Manifest(BaseModel):
    """What is known of some files; paths are relative to the folder that is imported."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: Mapping[str, FileEntry] = {}

    def entry(self, path: str) -> FileEntry:
        """What is known of a file; an empty entry where nothing is."""
        return self.files.get(path, FileEntry())  # pyright: ignore[reportCallIssue]

    def without_file(self, paths: Iterable[str]) -> list[str]:
        """Files that the manifest names and that are not among these: a misspelt path would be a lost time."""
        return sorted(set(self.files) - set(paths))


def read_manifest(content: bytes) -> Manifest:
    """The manifest of a file.

    Raises:
        ManifestError: one line for each wrong entry.
    """
    try:
        return Manifest.model_validate(orjson.loads(content))
    except orjson.JSONDecodeError as error:
        raise ManifestError(f"the import manifest is no JSON: {error}. Repair: see docs/coffee.md") from error
    except ValidationError as error:
        lines = [f"  {'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()]
        raise ManifestError("the import manifest is wrong:\n" + "\n".join(lines)) from error
