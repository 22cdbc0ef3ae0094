"""Feed folders for the tests of the NBA feeds: written once, copied for each test that damages them."""

import shutil
from pathlib import Path

import pytest

from backfill_pipelines.nba.sample import write_feeds
from backfill_pipelines_tests.nba.feeds_support import DAY, NEXT_DAY, FeedFolder


@pytest.fixture(scope="session")
def sample_feeds(tmp_path_factory: pytest.TempPathFactory) -> FeedFolder:
    """Two dates of undamaged feeds; never changed."""
    root = tmp_path_factory.mktemp("feeds")
    write_feeds(root, seed=7, first=DAY, last=NEXT_DAY)
    return FeedFolder(root)


@pytest.fixture
def feeds(sample_feeds: FeedFolder, tmp_path: Path) -> FeedFolder:
    """The same two dates, free to be damaged."""
    shutil.copytree(sample_feeds.root, tmp_path / "feeds")
    return FeedFolder(tmp_path / "feeds")
