"""The gamebook of a game (`nba-com/gamebooks-data`): who played, who did not and why.

No officials, duration or parser details. Suspended players appear by family name only.
"""

from typing import Any

from backfill_pipelines.nba.sample.box import absence, percentage
from backfill_pipelines.nba.sample.game import Game, Side
from backfill_pipelines.nba.sample.lineups import PlayerLine
from backfill_pipelines.nba.sample.moments import captured

_COUNTS = {
    "field_goals_made": "fgm",
    "field_goals_attempted": "fga",
    "three_pointers_made": "fg3m",
    "three_pointers_attempted": "fg3a",
    "free_throws_made": "ftm",
    "free_throws_attempted": "fta",
    "offensive_rebounds": "oreb",
    "defensive_rebounds": "dreb",
    "total_rebounds": "reb",
    "assists": "ast",
    "personal_fouls": "pf",
    "steals": "stl",
    "turnovers": "tov",
    "blocks": "blk",
}
_PERCENTAGES = {"field_goal": "fg", "three_point": "fg3", "free_throw": "ft"}


def gamebook(game: Game) -> dict[str, Any]:
    """The document of one game, visitors first."""
    fixture, host, sides = game.fixture, game.home.team, (game.away, game.home)
    ymd, teams = f"{fixture.day:%Y%m%d}", f"{fixture.away}{fixture.home}"
    active = [_active(side, line) for side in sides for line in side.lines]
    dnp = [row for side in sides for row in _dnp(side)]
    inactive = [row for side in sides for row in _inactive(side)]
    return {
        "game_code": f"{ymd}/{teams}",
        "date": str(fixture.day),
        "matchup": f"{fixture.away}@{fixture.home}",
        "away_team": fixture.away,
        "home_team": fixture.home,
        "pdf_version": "short",
        "pdf_url": f"https://statsdmz.nba.com/pdfs/{ymd}/{ymd}_{teams}.pdf",
        "arena": host.arena,
        "city": host.arena_city,
        "state": host.arena_state,
        "location": f"{host.arena_city}, {host.arena_state}",
        "officials": [],
        "game_duration": None,
        "attendance": game.attendance,
        "timestamp": f"{captured(fixture.day).isoformat()}+00:00",
        "active_players": active,
        "dnp_players": dnp,
        "inactive_players": inactive,
        "total_players": len(active) + len(dnp) + len(inactive),
        "active_count": len(active),
        "dnp_count": len(dnp),
        "inactive_count": len(inactive),
        "source": "nba_gamebook_pdf",
        "debug_info": {"text_length": None, "parser_used": None, "debug_file": None},
    }


def _active(side: Side, line: PlayerLine) -> dict[str, Any]:
    minutes, seconds = divmod(line.seconds, 60)
    return {
        "name": line.player.name,
        "team": side.team.full_name,
        "status": "active",
        "stats": {
            "minutes": f"{minutes:02d}:{seconds:02d}",
            **{name: line.box[column] for name, column in _COUNTS.items()},
            "plus_minus": line.plus_minus,
            "points": line.box["pts"],
            **{
                f"{name}_percentage": percentage(line.box[f"{shot}m"], line.box[f"{shot}a"], 0.0)
                for name, shot in _PERCENTAGES.items()
            },
        },
    }


def _dnp(side: Side) -> list[dict[str, Any]]:
    return [
        {
            "name": player.name,
            "team": side.team.full_name,
            "status": "did_not_play",
            "dnp_reason": absence(category),
            "category": category,
        }
        for player, category in side.lineup.absent
    ]


def _inactive(side: Side) -> list[dict[str, Any]]:
    return [
        {
            "name": player.family_name,
            "team": side.team.full_name,
            "status": "inactive",
            "reason": "Player Suspended",
            "category": "inactive",
        }
        for player in side.lineup.suspended
    ]
