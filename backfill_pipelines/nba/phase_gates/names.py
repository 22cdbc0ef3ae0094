"""Keys, checks and words of the phase gates. Light on purpose: the tables of the next phase are wired with it."""

from dataclasses import dataclass
from datetime import date

import dagster as dg

from backfill_pipelines.backfill.admission import PhaseGate
from backfill_pipelines.nba.catalog import ANALYTICS_PHASE, PRECOMPUTE_PHASE, RAW_PHASE
from backfill_pipelines.nba.seasons import season_of

GROUP = "nba_gates"


@dataclass(frozen=True)
class GateName:
    """One gate: its number, what is true when it is green, the phase it judges, and its words."""

    number: int
    name: str
    phase: str
    green: str
    red: str

    @property
    def key(self) -> dg.AssetKey:
        """Key of the asset."""
        return dg.AssetKey([GROUP, self.name])

    @property
    def command(self) -> str:
        """What measures it."""
        return f"backfill gate nba {self.number}"

    def check_of(self, season: str) -> str:
        """Name of the check of a season."""
        return f"{self.name}_{season.replace('-', '_')}"

    def check_of_day(self, partition: str) -> str:
        """Name of the check of the season that a partition belongs to."""
        season = season_of(date.fromisoformat(partition))
        return self.check_of(season.name) if season else self.name


GATE_0 = GateName(0, "phase_2_is_complete", RAW_PHASE, "READY TO START", "PHASE 2 INCOMPLETE - CANNOT START")
GATE_1 = GateName(1, "phase_3_is_complete", ANALYTICS_PHASE, "READY FOR STAGE 2", "STAGE 1 INCOMPLETE")
GATE_2 = GateName(2, "phase_4_is_complete", PRECOMPUTE_PHASE, "READY FOR STAGE 3", "STAGE 2 INCOMPLETE")
#: Its red words end with the first asset that fails.
GATE_3 = GateName(3, "pipeline_is_live", "all phases", "PIPELINE IS LIVE", "END-TO-END FAILED at")
GATES = (GATE_0, GATE_1, GATE_2, GATE_3)

_BEFORE = {ANALYTICS_PHASE: GATE_0, PRECOMPUTE_PHASE: GATE_1}


def gate_before(phase: str) -> PhaseGate | None:
    """The gate that a backfill must have passed before it computes a table of a phase."""
    gate = _BEFORE.get(phase)
    return PhaseGate(gate.key, gate.check_of_day, gate.command) if gate else None
