"""Names of invented players, and how the feeds without diacritics spell them.

Not here: which player gets which name (`rosters`).
"""

import unicodedata
from functools import lru_cache

_FIRST_NAMES = """
Adrian Alonzo Amari Andrej Anton Ásgeir Barrett Bastien Benoît Bohdan Brennan Calder Cassius
Cédric Clayton Corbin Cyrus D'Anton Damarion Darnell Delroy Demetri Desmond Đorđe Dorian Edison
Elias Elijah Émile Ezra Fabrice Femi Ferran Gideon Gunnar Hollis Ibrahim Ignas İlker Isaiah
Ivo Jabari Jamal Jaromír Javon Jelani Jerome Jiří Joaquín Jovan Kaleb Keanu Kendrick Khalid
Kieran Kofi Lamont Lasse Leandro Luís Łukasz Malachi Mamadou Marcel Markell Mateo Matěj Mauro
Miloš Moses Nathaniel Nikša Obinna Octavio Okoye Omari Orlando Pascal Patryk Quentin Rashad
Raúl Reggie Rémy Roman Rúben Sekou Sergio Šimun Søren Stellan Taj Tarik Terrell Thaddeus
Tomáš Trevon Uroš Vernon Viktor Winston Xavier Yannick Yusuf Zaire Zdeněk Zeke Žiga
"""

_LAST_NAMES = """
Abernathy Adeyinka Alcántara Alderidge Amundsen Ashworth Baptiste-Cole Barlowe Bellweather
Bjørnstad Blackmoor Bouchard Brankov Brightwater Caldecott Carrowmore Castellano Chukwuemeka
Cofield Colquitt Corrigan Cranleigh Dabrowa Dalhart Delacroix Demby Dragović Dunmore
Ekström Ellsworthy Endicott Eskildsen Fairbourne Faulkes Fenwick Ferreira-Lund Fontenot
Gaillard Galloway Gatewood Grünfeld Halvorsen Hargreave Hathorne Havlíček Hightower Holloway
Iheanacho Ingersoll Jankovec Jessup Joubert Kalinowski Karabekir Kekoa Kilbride Kirkendall
Kovářík Lachance Langevin Larkspur Ledoux Lindqvist Lockridge Loncar MacAllen Madigan Maldonado
Marchetti Mbeki Mercado Merriweather Montclair Mosquera Nakamoto Ndour Nightingale Norgaard
Núñez O'Dell O'Malveney Obradov Okonedo Oliveira Østergaard Pemberton Pennington Petkovšek
Philippou Quaye Quesada Radcliffe Rainsford Redfern Renaud Ridgeway Rochambeau Rosenquist
Saint-Clair Sandoval Sarkisian Scarborough Sedgwick Shackleford Silverthorne Solheim Stanhope
Stojčević Strand Sørensby Szymański Tamblyn Tavares Teixeira Thackeray Thibodeaux Tillotson
Underhill Valenzuela Vandermeer Vasquez-Poole Verhoeven Wakefield Wallingford Weatherby
Whitlock Winterbourne Wolanski Woźnica Yarborough Ybarra Zakharov Zambrano Žalgys Zubiría
"""

FIRST_NAMES = tuple(_FIRST_NAMES.split())
LAST_NAMES = tuple(_LAST_NAMES.split())

# Letters that Unicode does not take apart into a base letter and a mark
_WHOLE_LETTERS = str.maketrans("ŁłØøĐđı", "LlOoDdi")


@lru_cache(maxsize=512)
def without_diacritics(name: str) -> str:
    """The ASCII spelling of a name, as ball-dont-lie and BigDataBall write it."""
    decomposed = unicodedata.normalize("NFKD", name.translate(_WHOLE_LETTERS))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
