"""How the embedding of promoted images is started and watched on a deployment."""

from collections.abc import Mapping

import dagster as dg
from pydantic import Field

from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.receipts.promotion.embedding_workflows import Patience
from backfill_pipelines.stores.embedded_workflows import workflow_arns


class EmbeddingSettings(dg.ConfigurableResource):
    """All settings of the embedding, with the defaults of the documents."""

    line_workflow_arn: str = Field(default="", description="ARN of the state machine that embeds lines.")
    word_workflow_arn: str = Field(default="", description="ARN of the state machine that embeds words.")
    poll_seconds: float = Field(default=30.0, gt=0, description="Between two looks at an execution.")
    timeout_seconds: float = Field(default=7_200.0, gt=0, description="Most time that workflows are waited for.")
    sample_seconds: float = Field(default=60.0, gt=0, description="Least time between two samples of what is left.")
    is_embedded: bool = Field(default=True, description="The workflows are the local stand-in's.")

    def arns(self, table: str) -> Mapping[str, str]:
        """The machines of a table by what they embed; the stand-in has two for every table.

        Raises:
            SettingsError: the workflows are AWS's, and are not named.
        """
        named = {"line": self.line_workflow_arn, "word": self.word_workflow_arn}
        if all(named.values()):
            return named
        if self.is_embedded and not any(named.values()):
            return workflow_arns(table)
        raise SettingsError(
            f"the embedding workflows of {table} are not named. Repair: set BACKFILL_LINE_WORKFLOW_ARN and "
            "BACKFILL_WORD_WORKFLOW_ARN to the ARNs of embedding-infra-{stage}-line-workflow and -word-workflow"
        )

    def patience(self) -> Patience:
        """How long one waits for what."""
        return Patience(self.poll_seconds, self.timeout_seconds, self.sample_seconds)
