# ruff: noqa: RUF001 - look-alikes are what this file is about.
"""Tables of characters that are dropped or read as another one before matching.

All of it is from Unicode's data, written out so that no table has to be
searched at start:

- dropped: `Default_Ignorable_Code_Point` of DerivedCoreProperties.txt, which
  holds the zero-width, bidirectional, tag and variation characters, and the
  combining marks that composition left over;
- digits: every `Nd` run of UnicodeData.txt reads as 0 to 9;
- punctuation: dashes, quotes, slashes and dots of the same look;
- letters: what the glyphs of other alphabets look like in Latin, by the table of UTS #39 (see
  `confusables`); pairs that a reader does not notice, and that it has not or has for another
  letter, stand here.
"""

from __future__ import annotations

from string import ascii_uppercase

from kt.policy.decision.reading import confusables

_IGNORABLE = (
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)

# Marks that NFKC could not put on their letter are decoration.
_LOOSE_MARKS = (
    (0x0300, 0x036F),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF),
    (0xFE20, 0xFE2F),
)

# The zero of every run of ten decimal digits outside ASCII.
_ZEROS = (
    *(0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6),
    *(0x0D66, 0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0),
    *(0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0),
    *(0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x10D30, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0),
    *(0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50, 0x11DA0),
    *(0x11F50, 0x16A60, 0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140),
    *(0x1E2F0, 0x1E4F0, 0x1E950, 0x1FBF0),
)

# The A of the letters in dark circles, in dark squares, and of flags: none has a compatible form.
_ALPHABETS = (0x1F150, 0x1F170, 0x1F1E6)

# Glyphs and, at the same place in the second string, what they look like.
_OTHER_LETTERS = (
    # Cyrillic
    (
        "АВЕКМНОРСТУХЅІЈԌԚԜҮҺӀЬԁԛԝаеорсухѕіјһԍүӏвкмнтьёг",
        "ABEKMHOPCTYXSIJGQWYhIbdqwaeopcyxsijhgylbkmhtber",
    ),
    # Greek
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαγεικνορτυχϳ", "ABEZHIKMNOPTYXayeikvoptuxj"),
    # Armenian, Coptic, Cherokee
    ("ՍՏՕՈԼցոսօյհզԱ", "USOnLgnuojhqU"),
    ("ⲞⲟⲤⲥⲢⲣⲦⲔⲘⲚⲈ", "OoCcPpTKMNE"),
    ("ᎠᎡᎢᎪᎫᎬᎳᎷᎻᏀᏂᏃᏆᏏᏒᏔᏙᏚᏞᏟᏢᏦᏧᏴᏳ", "DRTAJEWMHGhZIbRWVSLCPKdBG"),
    # Lisu capitals
    ("ꓐꓑꓒꓓꓔꓖꓗꓙꓚꓜꓝꓟꓠꓡꓢꓣꓤꓥꓦꓧꓨꓩꓪꓫꓬꓮꓰꓲꓳꓴ", "BPdDTGKJCZFMNLSRRVVHGJWXYAEIOU"),
)

# Latin letters beyond ASCII, dashes, quotes, slashes, dots.
_LATIN_AND_SIGNS = (
    # Small capitals, phonetic letters, dotless forms
    ("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnopqrstuvwyz"),
    ("ɑɡɩɪıȷƖǀℓɴʋʌʍꓸɛəɜ", "agiiijlllnuvm.ee3"),
    ("øłđħŧƀƁƊƑƓƘƝƤƬƲƳȤɓɗɠɦƙɱɲɳƥɽʂƭʐʑ", "oldhtbBDFGKNPTVYZbdghkmnnprstzz"),
    ("‐‑‒–—―−⁃", "--------"),
    ("‘’‚‛′ʼʹˈ“”„‟″", "''''''''\"\"\"\"\""),
    ("∕⁄⧸∖。∶ː", "///\\.::"),
)


def _members(ranges: tuple[tuple[int, int], ...]) -> list[int]:
    return [point for first, last in ranges for point in range(first, last + 1)]


def _digits() -> dict[int, str]:
    return {zero + value: str(value) for zero in _ZEROS for value in range(10)}


def _paired(rows: tuple[tuple[str, str], ...]) -> dict[int, str]:
    return {ord(seen): read for row in rows for seen, read in zip(*row, strict=True)}


def _confusable() -> dict[int, str]:
    """What Unicode's table has, but for Latin letters and signs that are read as others."""
    rows = ((ord(sign), read) for read, signs in confusables.ALIKE.items() for sign in signs)
    return {point: read for point, read in rows if SIGNS[point] == point}


def _letters() -> dict[int, str]:
    """The letters of each run of twenty-six that shows the alphabet in another form."""
    return {first + at: letter for first in _ALPHABETS for at, letter in enumerate(ascii_uppercase)}


class Signs(dict[int, str | int | None]):
    """A table for `str.translate` that answers for absent characters: an exception is slow."""

    def __missing__(self, point: int) -> int:
        return point


# Common characters stand in the table as themselves: a look-up is quicker than a call.
_COMMON = {
    point: point for point in (*range(0x600), *range(0x2000, 0x2100), *range(0x3000, 0x3100))
}

IGNORED = Signs({**_COMMON, **dict.fromkeys(_members(_IGNORABLE))})
"""For `str.translate`: the characters that show nothing are dropped. Never written to."""

SIGNS = Signs(
    {**IGNORED, **dict.fromkeys(_members(_LOOSE_MARKS)), **_digits(), **_paired(_LATIN_AND_SIGNS)}
)
"""Digits, punctuation and Latin read as ASCII, other letters as they are. Never written to."""

ALIKE = Signs(
    {
        **SIGNS,
        **_confusable(),
        **_letters(),
        **_paired(_OTHER_LETTERS),
    }
)
"""For `str.translate`: what `IGNORED` drops, and look-alikes read as ASCII. Never written to."""
