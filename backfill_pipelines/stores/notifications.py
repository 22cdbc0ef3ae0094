"""The notification edge: one message for a person, to a webhook (Slack's form) or, by default, a local file."""

import json
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import requests
from pydantic import Field

from backfill_pipelines.backfill.failures import StoreError

_TIMEOUT_SECONDS = 10


class Notifier(dg.ConfigurableResource):
    """Sends messages; what is worth one is for others to decide."""

    file: str = Field(description="Messages are appended here, one JSON object a line, when there is no webhook.")
    webhook_url: str | None = Field(default=None, description="Slack-compatible incoming webhook.")

    def send(self, title: str, text: str) -> None:
        """Deliver one message.

        Raises:
            StoreError: the webhook did not take it.
        """
        if self.webhook_url is None:
            self._append(title, text)
            return
        try:
            requests.post(
                self.webhook_url, json={"text": f"*{title}*\n{text}"}, timeout=_TIMEOUT_SECONDS
            ).raise_for_status()
        except requests.RequestException as error:
            raise StoreError(f"the webhook did not take the message {title!r}: {error}") from error

    def _append(self, title: str, text: str) -> None:
        path = Path(self.file)
        path.parent.mkdir(parents=True, exist_ok=True)
        line = {"at": datetime.now(UTC).isoformat(), "title": title, "text": text}
        with path.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(line, ensure_ascii=False) + "\n")
