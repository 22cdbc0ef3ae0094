"""Where the workflows of a deployment are, and how long they are waited for."""

import os

import pytest

from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.migration_resource import build_all_resources, build_embedding
from backfill_pipelines.settings import Settings, read_settings
from backfill_pipelines.stores.embedded_workflows import workflow_arns

LINE = "arn:aws:states:us-east-1:123456789012:stateMachine:embedding-infra-prod-line-workflow"
WORD = LINE.replace("line", "word")


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without settings of ours."""
    for name in [name for name in os.environ if name.startswith("BACKFILL_")]:
        monkeypatch.delenv(name)
    return monkeypatch


def production(settings: pytest.MonkeyPatch, **said: str) -> Settings:
    """Settings with tables in AWS."""
    for name, value in {"ITEMS": "dynamodb", **said}.items():
        settings.setenv(f"BACKFILL_{name}", value)
    return read_settings()


@pytest.mark.usefixtures("settings")
def test_a_fresh_deployment_has_two_machines_for_every_table_and_short_waits() -> None:
    found = build_embedding(read_settings())
    assert found.arns("Prod") == workflow_arns("Prod")
    assert found.sample_seconds < 60
    assert build_all_resources(read_settings())["step_functions"].embedded is not None


def test_in_aws_the_machines_are_named_and_waited_for_as_the_documents_say(settings: pytest.MonkeyPatch) -> None:
    read = production(settings, LINE_WORKFLOW_ARN=LINE, WORD_WORKFLOW_ARN=WORD, STREAM_QUEUES='["https://q/lines"]')
    found = build_embedding(read)
    assert found.arns("Prod") == {"line": LINE, "word": WORD}
    assert (found.poll_seconds, found.timeout_seconds, found.sample_seconds) == (30.0, 7_200.0, 60.0)
    resources = build_all_resources(read)
    assert resources["step_functions"].embedded is None
    assert resources["queues"].urls == ["https://q/lines"]


@pytest.mark.parametrize("said", [{}, {"LINE_WORKFLOW_ARN": LINE}], ids=["none", "one"])
def test_machines_that_are_not_both_named_are_refused(settings: pytest.MonkeyPatch, said: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="BACKFILL_WORD_WORKFLOW_ARN"):
        build_embedding(production(settings, **said)).arns("Prod")


def test_one_named_machine_is_not_mixed_with_the_stand_in(settings: pytest.MonkeyPatch) -> None:
    settings.setenv("BACKFILL_LINE_WORKFLOW_ARN", LINE)
    with pytest.raises(SettingsError, match="are not named"):
        build_embedding(read_settings()).arns("Prod")


def test_what_is_no_arn_is_refused(settings: pytest.MonkeyPatch) -> None:
    settings.setenv("BACKFILL_LINE_WORKFLOW_ARN", "line-workflow")
    with pytest.raises(SettingsError, match="BACKFILL_LINE_WORKFLOW_ARN"):
        read_settings()
