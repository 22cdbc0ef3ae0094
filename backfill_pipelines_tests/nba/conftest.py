"""Feed folders, written once and copied for each test that damages them; and a warehouse with a real season."""

import shutil
from pathlib import Path

import pytest

from backfill_pipelines.nba.sample import write_feeds
from backfill_pipelines_tests.nba import season_loading
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


@pytest.fixture(scope="session")
def real_season(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real season 2021-22 and the first days of the next, phase 2 to 4; never changed."""
    if not season_loading.DATA.is_dir():
        pytest.skip(f"the real seasons are not at {season_loading.DATA}")
    return season_loading.load(tmp_path_factory.mktemp("season"))
