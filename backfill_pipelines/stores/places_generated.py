"""Made-up places for the stand-in: any id gives one, always the same one, in the shape that Google gives.

The names are of no real merchant; coordinates lie around American towns. A data set to try things out on asks here
for the name and the address that the stand-in will answer with.
"""

import random
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

_DIGITS = "23456789CFGHJMPQRVWX"
_FIRST = ("Amber", "Blue Heron", "Cedar", "Copper Kettle", "Golden Pine", "Harbor", "Juniper", "Maple", "Old Mill")
_SECOND = ("Market", "Bakery", "Hardware", "Pharmacy", "Coffee", "Diner", "Books", "Fuel", "Garden Supply", "Grocery")
_TYPES = ("supermarket", "bakery", "hardware_store", "pharmacy", "coffee_shop", "diner_restaurant", "book_store")
_TYPES_OF = dict(zip(_SECOND, (*_TYPES, "gas_station", "garden_center", "grocery_store"), strict=True))
_STREETS = ("Oak Street", "Main Street", "Mission Boulevard", "Sunset Avenue", "River Road", "Lake Drive", "Park Lane")
#: City, state, first digits of the postal code, area code, latitude, longitude.
_CITIES = (
    ("Thousand Oaks", "CA", "913", "805", 34.1706, -118.8376),
    ("Las Vegas", "NV", "891", "702", 36.1716, -115.1391),
    ("New Orleans", "LA", "701", "504", 29.9511, -90.0715),
    ("Portland", "OR", "972", "503", 45.5152, -122.6784),
    ("Austin", "TX", "787", "512", 30.2672, -97.7431),
    ("Boston", "MA", "021", "617", 42.3601, -71.0589),
    ("Denver", "CO", "802", "303", 39.7392, -104.9903),
    ("Chicago", "IL", "606", "312", 41.8781, -87.6298),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SPREAD, _VIEW = 0.12, 0.00135


def generated_place(place_id: str, seed: int = 0) -> dict[str, Any]:
    """The place of an id: everything but photos."""
    draw = random.Random(sha256(f"{seed}:{place_id}".encode()).digest())
    kind = draw.choice(_SECOND)
    name = f"{draw.choice(_FIRST)} {kind}"
    types = [_TYPES_OF[kind], "store", "point_of_interest", "establishment"]
    city, state, postal, area, south, west = draw.choice(_CITIES)
    latitude = round(south + draw.uniform(-_SPREAD, _SPREAD), 7)
    longitude = round(west + draw.uniform(-_SPREAD, _SPREAD), 7)
    number, street, code = str(draw.randint(1, 9899)), draw.choice(_STREETS), f"{postal}{draw.randint(1, 99):02d}"
    line = draw.randint(0, 9999)
    opens, closes = draw.randint(6, 10), draw.randint(17, 22)
    return {
        "id": place_id,
        "name": f"places/{place_id}",
        "displayName": {"text": name, "languageCode": "en"},
        "formattedAddress": f"{number} {street}, {city}, {state} {code}, USA",
        "shortFormattedAddress": f"{number} {street}, {city}",
        "addressComponents": _components(number, street, city, state, code),
        "location": {"latitude": latitude, "longitude": longitude},
        "viewport": {
            "low": {"latitude": round(latitude - _VIEW, 7), "longitude": round(longitude - _VIEW, 7)},
            "high": {"latitude": round(latitude + _VIEW, 7), "longitude": round(longitude + _VIEW, 7)},
        },
        "plusCode": {"globalCode": plus_code(latitude, longitude)},
        "types": types,
        "primaryType": types[0],
        "businessStatus": "OPERATIONAL",
        "nationalPhoneNumber": f"({area}) 555-{line:04d}",
        "internationalPhoneNumber": f"+1 {area}-555-{line:04d}",
        "websiteUri": f"https://{name.lower().replace(' ', '-')}.example/",
        "googleMapsUri": f"https://maps.google.com/?cid={draw.getrandbits(63)}",
        "regularOpeningHours": _hours(opens, closes),
    }


def plus_code(latitude: float, longitude: float) -> str:
    """The ten-digit Open Location Code of a point."""
    north, east = int((min(latitude, 89.9999) + 90) * 8000), int((longitude + 180) * 8000)
    code = ""
    for _ in range(5):
        code = _DIGITS[north % 20] + _DIGITS[east % 20] + code
        north, east = north // 20, east // 20
    return f"{code[:8]}+{code[8:]}"


def _components(number: str, street: str, city: str, state: str, code: str) -> list[Mapping[str, Any]]:
    parts = (
        (number, ["street_number"]),
        (street, ["route"]),
        (city, ["locality", "political"]),
        (state, ["administrative_area_level_1", "political"]),
        ("US", ["country", "political"]),
        (code, ["postal_code"]),
    )
    return [{"longText": text, "shortText": text, "types": types, "languageCode": "en"} for text, types in parts]


def _hours(opens: int, closes: int) -> Mapping[str, Any]:
    periods = [
        {"open": {"day": day, "hour": opens, "minute": 0}, "close": {"day": day, "hour": closes, "minute": 30}}
        for day in range(7)
    ]
    shown = [f"{day}: {opens}:00 AM – {closes - 12}:30 PM" for day in _DAYS]
    return {"openNow": True, "periods": periods, "weekdayDescriptions": shown}
