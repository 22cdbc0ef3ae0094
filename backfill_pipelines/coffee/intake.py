"""The live intake while a backfill is under way: paused or not, and alerts muted until when."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.stores.postgres import Connection, execute, read_rows

#: Alerts are never muted for longer.
LONGEST_MUTE = timedelta(hours=24)
#: Beyond the planned end.
MUTE_FACTOR = 1.25

_SET = """INSERT INTO intake_control (id, paused, reason, paused_by, paused_at) VALUES (true, %(paused)s, %(reason)s,
  %(by)s, CASE WHEN %(paused)s THEN now() END)
ON CONFLICT (id) DO UPDATE SET paused = excluded.paused, reason = excluded.reason, paused_by = excluded.paused_by,
  paused_at = excluded.paused_at"""
_MUTE = """INSERT INTO intake_control AS known (id, alerts_muted_until) VALUES (true, %(until)s)
ON CONFLICT (id) DO UPDATE SET alerts_muted_until = GREATEST(known.alerts_muted_until, excluded.alerts_muted_until)"""
#: A backfill whose process has died stays ``running``: what it has muted ends by its expiry.
_UNMUTE = """UPDATE intake_control SET alerts_muted_until = NULL
WHERE NOT EXISTS (SELECT FROM backfill_runs WHERE status = 'running' AND mode <> 'validation')"""


@dataclass(frozen=True)
class Intake:
    """The state of the live intake."""

    paused: bool = False
    reason: str | None = None
    paused_by: str | None = None
    paused_at: datetime | None = None
    alerts_muted_until: datetime | None = None

    @property
    def text(self) -> str:
        """Why nothing is taken in; empty when it is."""
        if not self.paused:
            return ""
        return f"the intake is paused since {self.paused_at:%Y-%m-%d %H:%M} by {self.paused_by}: {self.reason}"


def intake(connection: Connection) -> Intake:
    """The state in force."""
    rows = read_rows(connection, "SELECT paused, reason, paused_by, paused_at, alerts_muted_until FROM intake_control")
    return Intake(**rows[0]) if rows else Intake()


def pause_intake(connection: Connection, *, reason: str, by: str) -> None:
    """Keep schedule and sensor from taking anything in; work under way finishes.

    Raises:
        SettingsError: there is no reason.
    """
    if not reason.strip():
        raise SettingsError("pausing the intake needs a reason. Repair: give one")
    execute(connection, _SET, {"paused": True, "reason": reason, "by": by})


def resume_intake(connection: Connection) -> None:
    """Let schedule and sensor take in again."""
    execute(connection, _SET, {"paused": False, "reason": None, "by": None})


def mute_alerts(connection: Connection, now: datetime, planned_seconds: float) -> datetime:
    """Mute alerts about prices, freshness and volume up to a quarter beyond the planned end, a day at most."""
    until = now + min(LONGEST_MUTE, timedelta(seconds=planned_seconds * MUTE_FACTOR))
    execute(connection, _MUTE, {"until": until})
    return until


def unmute_alerts(connection: Connection) -> None:
    """End the muting: a backfill is over, its digest was told; unless another one is under way."""
    execute(connection, _UNMUTE)
