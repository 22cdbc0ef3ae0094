"""Coffee regions and estates by name: what a text may call a place, and where that place lies.

Names and where they lie are facts of geography; how a text is searched for them is ``places``'s.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Region:
    """A growing region; ``states`` are those it lies in, none where a country is not divided here."""

    name: str
    country: str
    states: tuple[str, ...] = ()
    #: Regular expressions over folded texts, beside the name itself.
    aliases: tuple[str, ...] = ()


KARNATAKA, KERALA, TAMIL_NADU = "Karnataka", "Kerala", "Tamil Nadu"
ANDHRA_PRADESH, ODISHA = "Andhra Pradesh", "Odisha"

REGIONS = (
    Region("Bababudangiri", "IN", (KARNATAKA,), ("baba ?budan ?giris?(?: hills)?",)),
    Region("Biligiri Ranga", "IN", (KARNATAKA, TAMIL_NADU), ("biligiris?(?:[- ]?rang(?:a|an)s?)?(?: hills)?",)),
    Region("Belur", "IN", (KARNATAKA,)),
    Region("Manjarabad", "IN", (KARNATAKA,)),
    Region("Sakleshpur", "IN", (KARNATAKA,), ("sakleshpura?", "sakaleshpura?")),
    Region("Coorg", "IN", (KARNATAKA,), ("kodagu",)),
    Region("Chikmagalur", "IN", (KARNATAKA,), ("chic?kk?a?magal[ou]ru?",)),
    Region("Yercaud", "IN", (TAMIL_NADU,), ("sh?ev[ae]roys?(?: hills)?",)),
    Region("Pulneys", "IN", (TAMIL_NADU,), ("pulneys?(?: hills)?", "palanis?(?: hills)?")),
    Region("Kodaikanal", "IN", (TAMIL_NADU,)),
    Region("Nilgiris", "IN", (TAMIL_NADU,), ("nilgiris?(?: hills)?",)),
    Region("Anamalais", "IN", (TAMIL_NADU,), ("ana[im]m?alais?",)),
    Region("Coimbatore", "IN", (TAMIL_NADU,)),
    Region("Salem", "IN", (TAMIL_NADU,)),
    Region("Theni", "IN", (TAMIL_NADU,)),
    Region("Nelliyampathy", "IN", (KERALA,), ("nelliy?ampath[yi](?: hills)?",)),
    Region("Wayanad", "IN", (KERALA,), ("wayand", "waynad")),
    Region("Idukki", "IN", (KERALA,)),
    Region("Travancore", "IN", (KERALA,)),
    Region("Araku Valley", "IN", (ANDHRA_PRADESH,), ("araku", "aruku(?: valley)?")),
    Region("Koraput", "IN", (ODISHA,)),
    Region("Keonjhar", "IN", (ODISHA,)),
    Region("Mayurbhanj", "IN", (ODISHA,)),
    Region("Rayagada", "IN", (ODISHA,)),
    Region("Kohima", "IN", ("Nagaland",)),
    Region("Huila", "CO"),
    Region("Antioquia", "CO"),
    Region("Pichincha", "EC"),
    Region("Muyinga", "BI"),
    Region("Yirgacheffe", "ET", (), ("yirgachef+e?",)),
    Region("Sidamo", "ET", (), ("sidama",)),
    Region("Ethiopian Highlands", "ET"),
)

_STATES = (
    *(KARNATAKA, KERALA, TAMIL_NADU, ANDHRA_PRADESH, ODISHA, "Arunachal Pradesh", "Assam", "Manipur", "Meghalaya"),
    *("Mizoram", "Nagaland", "Tripura"),
)
STATES = tuple(Region(state, "IN", (state,)) for state in _STATES)

#: Stand for a region where a text names nothing smaller.
WIDER_REGIONS = (
    Region("Malnad", "IN", (KARNATAKA,)),
    Region("Western Ghats", "IN", (KARNATAKA, KERALA, TAMIL_NADU)),
    *STATES,
)

#: Estate or collective, and the region or state that it lies in.
ESTATES = {
    **dict.fromkeys(
        (
            *("Baarbara Estate", "Basankhan Estate", "Gungegiri Estate", "Hoysala Estate", "Kalledevarapura Estate"),
            *("Kerehaklu Estate", "Kolli Berri Estate", "Kondadkan Estate", "Krishnagiri Estate", "Sandalwood Estate"),
            *("St. Joseph Estate", "St. Margaret Estate", "Thippanahalli Estate", "Thogarihunkal Estate"),
        ),
        "Chikmagalur",
    ),
    "Ratnagiri Estate": "Bababudangiri",
    "Biccode Estate": "Belur",
    "Harley Estate": "Manjarabad",
    **dict.fromkeys(("Mercara Gold Estate", "Old Kent Estates"), "Coorg"),
    **dict.fromkeys(("Gowri Estate", "Hidden Falls Estate", "Riverdale Estate", "Stanmore Estate"), "Yercaud"),
    **dict.fromkeys(("Veer Attikan Estate", "Attikan Estate"), "Biligiri Ranga"),
    "Balmaadi Estate": "Nilgiris",
    "Seethargundu Estate": "Nelliyampathy",
    "Cascara Coffee Cottages": "Wayanad",
    **dict.fromkeys(("Ananthagiri Plantations", "Ananthagiri Coffee Plantations"), "Araku Valley"),
    "Dream Hill Coffee": "Koraput",
    "Hathikuli Estate": "Assam",
    "Jampui Hills": "Tripura",
    "Darzo Village": "Mizoram",
    "Mynriah Village": "Meghalaya",
    "Diyun": "Arunachal Pradesh",
    "Kigwema": "Kohima",
}
