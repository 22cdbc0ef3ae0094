"""The thirty franchises: names, places and the numbers by which the feeds know them.

Not here: who plays for them (`rosters`) and how strong they are (`totals`).
"""

from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

# tricode | city | nickname | conference | division | zone | arena | arena city | state, in the
# order of the NBA's team numbers
_FRANCHISES = """
ATL|Atlanta|Hawks|East|Southeast|New_York|State Farm Arena|Atlanta|GA
BOS|Boston|Celtics|East|Atlantic|New_York|TD Garden|Boston|MA
CLE|Cleveland|Cavaliers|East|Central|New_York|Rocket Mortgage Fieldhouse|Cleveland|OH
NOP|New Orleans|Pelicans|West|Southwest|Chicago|Smoothie King Center|New Orleans|LA
CHI|Chicago|Bulls|East|Central|Chicago|United Center|Chicago|IL
DAL|Dallas|Mavericks|West|Southwest|Chicago|American Airlines Center|Dallas|TX
DEN|Denver|Nuggets|West|Northwest|Denver|Ball Arena|Denver|CO
GSW|Golden State|Warriors|West|Pacific|Los_Angeles|Chase Center|San Francisco|CA
HOU|Houston|Rockets|West|Southwest|Chicago|Toyota Center|Houston|TX
LAC|LA|Clippers|West|Pacific|Los_Angeles|Crypto.com Arena|Los Angeles|CA
LAL|Los Angeles|Lakers|West|Pacific|Los_Angeles|Crypto.com Arena|Los Angeles|CA
MIA|Miami|Heat|East|Southeast|New_York|Kaseya Center|Miami|FL
MIL|Milwaukee|Bucks|East|Central|Chicago|Fiserv Forum|Milwaukee|WI
MIN|Minnesota|Timberwolves|West|Northwest|Chicago|Target Center|Minneapolis|MN
BKN|Brooklyn|Nets|East|Atlantic|New_York|Barclays Center|Brooklyn|NY
NYK|New York|Knicks|East|Atlantic|New_York|Madison Square Garden|New York|NY
ORL|Orlando|Magic|East|Southeast|New_York|Amway Center|Orlando|FL
IND|Indiana|Pacers|East|Central|New_York|Gainbridge Fieldhouse|Indianapolis|IN
PHI|Philadelphia|76ers|East|Atlantic|New_York|Wells Fargo Center|Philadelphia|PA
PHX|Phoenix|Suns|West|Pacific|Phoenix|Footprint Center|Phoenix|AZ
POR|Portland|Trail Blazers|West|Northwest|Los_Angeles|Moda Center|Portland|OR
SAC|Sacramento|Kings|West|Pacific|Los_Angeles|Golden 1 Center|Sacramento|CA
SAS|San Antonio|Spurs|West|Southwest|Chicago|AT&T Center|San Antonio|TX
OKC|Oklahoma City|Thunder|West|Northwest|Chicago|Paycom Center|Oklahoma City|OK
TOR|Toronto|Raptors|East|Atlantic|New_York|Scotiabank Arena|Toronto|ON
UTA|Utah|Jazz|West|Northwest|Denver|Vivint Arena|Salt Lake City|UT
MEM|Memphis|Grizzlies|West|Southwest|Chicago|FedEx Forum|Memphis|TN
WAS|Washington|Wizards|East|Southeast|New_York|Capital One Arena|Washington|DC
DET|Detroit|Pistons|East|Central|New_York|Little Caesars Arena|Detroit|MI
CHA|Charlotte|Hornets|East|Southeast|New_York|Spectrum Center|Charlotte|NC
"""
_FIRST_TEAM_NUMBER = 1610612737
_SHORT_SLUGS = {"76ers": "sixers", "Trail Blazers": "blazers"}


@dataclass(frozen=True)
class Team:
    """A franchise; `number` is the NBA's team id, `zone` a city of the America/ time zones."""

    number: int
    tricode: str
    city: str
    nickname: str
    conference: str
    division: str
    zone: str
    arena: str
    arena_city: str
    arena_state: str

    @property
    def full_name(self) -> str:
        """City and nickname, as gamebooks name the team."""
        return f"{self.city} {self.nickname}"

    @property
    def slug(self) -> str:
        """The team's word in NBA.com addresses."""
        return _SHORT_SLUGS.get(self.nickname, self.nickname.lower())

    @cached_property
    def timezone(self) -> ZoneInfo:
        """Local time of the home arena."""
        return ZoneInfo(f"America/{self.zone}")


TEAMS: dict[str, Team] = {
    row.split("|")[0]: Team(number, *row.split("|"))
    for number, row in enumerate(_FRANCHISES.split("\n")[1:-1], _FIRST_TEAM_NUMBER)
}

# ball-dont-lie numbers the teams 1 to 30 by full name
BDL_NUMBERS: dict[str, int] = {
    team.tricode: number for number, team in enumerate(sorted(TEAMS.values(), key=lambda team: team.full_name), 1)
}


def conference(name: str) -> list[Team]:
    """The fifteen teams of "East" or "West", division by division."""
    return sorted(
        (team for team in TEAMS.values() if team.conference == name),
        key=lambda team: (team.division, team.tricode),
    )
