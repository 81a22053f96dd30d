"""National identity numbers of ten countries, confirmed by their check digits.

The rules are facts that the issuers publish: BE (Rijksregister), BR (Receita Federal, CPF), DE
(BZSt, IdNr), ES (Real Decreto 1553/2005, DNI and NIE), FI (DVV, henkilötunnus), FR (INSEE, NIR),
IN (UIDAI, Aadhaar), IT (Agenzia delle Entrate, codice fiscale), NL (RvIG, BSN), PL (PESEL).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kt.policy.decision.matching.context import NAMED, alone, near
from kt.policy.decision.matching.patterns import Check, PatternRule, Spans
from kt.policy.decision.reading.views import View

_EDGE = r"(?:\b|_)"
_VIEWS = (View.RAW, View.SIGNS, View.PLAIN)

_SPANISH = "TRWAGMYFPDXBNJZSQVHLCKE"
_FINNISH = "0123456789ABCDEFHJKLMNPRSTUVWXY"
# Where the odd places of a codice fiscale stand in the alphabet of its check letter.
_ITALIAN_ODD = "1 0 5 7 9 13 15 17 19 21 2 4 18 20 11 3 6 8 12 14 16 10 22 25 24 23"
_ITALIAN = {chr(ord("A") + at): int(odd) for at, odd in enumerate(_ITALIAN_ODD.split())}
_ITALIAN |= {str(digit): _ITALIAN[chr(ord("A") + digit)] for digit in range(10)}
# The multiplication of the dihedral group of ten, and Verhoeff's permutation.
_TURNED = [[(a + b) % 5 if a < 5 else (a - b) % 5 + 5 for b in range(5)] for a in range(10)]
_MIRRORED = [[(a + b) % 5 + 5 if a < 5 else (a - b) % 5 for b in range(5)] for a in range(10)]
_MULTIPLIED = [left + right for left, right in zip(_TURNED, _MIRRORED, strict=True)]
_PERMUTED = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def _weighed(digits: str, weights: str) -> int:
    return sum(int(digit) * int(weight) for digit, weight in zip(digits, weights, strict=False))


def belgian(text: str) -> bool:
    """Ninety-seven less the rest of the first nine digits; a 2 stands before since 2000."""
    check = int(text[9:])
    dated = text[2:4] <= "52" and text[4:6] <= "31"
    return dated and check in (97 - int(text[:9]) % 97, 97 - int("2" + text[:9]) % 97)


def brazilian(text: str) -> bool:
    """Two digits modulo eleven."""
    for size in (9, 10):
        total = sum(int(text[at]) * (size + 1 - at) for at in range(size))
        if int(text[size]) != total * 10 % 11 % 10:
            return False
    return len(set(text)) > 1


def german(text: str) -> bool:
    """ISO 7064, modulo 11 and 10; one digit of the first ten stands twice or three times."""
    product = 10
    for digit in text[:10]:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    repeated = 8 <= len(set(text[:10])) <= 9
    return text[0] != "0" and repeated and int(text[10]) == (11 - product) % 10


def spanish(text: str) -> bool:
    """A letter by the rest of twenty-three; a foreigner's number begins with X, Y or Z."""
    number = str("XYZ".find(text[0])) + text[1:-1] if text[0] in "XYZ" else text[:-1]
    return text[-1] == _SPANISH[int(number) % 23]


def finnish(text: str) -> bool:
    """A sign by the rest of thirty-one of the date and the number."""
    day, month = int(text[:2]), int(text[2:4])
    real = 1 <= day <= 31 and 1 <= month <= 12
    return real and text[-1] == _FINNISH[int(text[:6] + text[7:10]) % 31]


def french(text: str) -> bool:
    """Ninety-seven less the rest of the number; Corsica has letters in its department."""
    number = text[:13].replace("2A", "19").replace("2B", "18")
    month = int(text[3:5])
    return (1 <= month <= 12 or 20 <= month <= 42) and int(text[13:]) == 97 - int(number) % 97


def indian(text: str) -> bool:
    """Verhoeff's check digit."""
    check = 0
    for at, digit in enumerate(reversed(text)):
        turned = int(digit)
        for _ in range(at % 8):
            turned = _PERMUTED[turned]
        check = _MULTIPLIED[check][turned]
    return text[0] not in "01" and check == 0


def italian(text: str) -> bool:
    """A letter by the sum of all places, the odd ones by a table."""
    even = sum(int(sign) if sign.isdecimal() else ord(sign) - ord("A") for sign in text[1:15:2])
    odd = sum(_ITALIAN[sign] for sign in text[0:15:2])
    return text[15] == chr(ord("A") + (even + odd) % 26)


def dutch(text: str) -> bool:
    """The test of eleven."""
    return text != "0" * 9 and (_weighed(text, "98765432") - int(text[8])) % 11 == 0


def polish(text: str) -> bool:
    """A date with its century in the month, and a digit modulo ten."""
    month, day = int(text[2:4]) % 20, int(text[4:6])
    real = 1 <= month <= 12 and 1 <= day <= 31
    return real and int(text[10]) == -_weighed(text, "1379137913") % 10


@dataclass(frozen=True, slots=True)
class _Sort:
    """How a number is written, its check, and the words that must be beside it, if any.

    Digits alone need some: one of ten or eleven numbers has the right check digit.
    """

    pattern: str
    valid: Callable[[str], bool]
    words: str = ""


_SORTS = {
    "BE": _Sort(r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", belgian),
    "BR": _Sort(r"\d{3}\.\d{3}\.\d{3}-\d{2}", brazilian),
    "DE": _Sort(
        r"\d{2}[ ]?\d{3}[ ]?\d{3}[ ]?\d{3}", german, "steuer[a-z ]*|idnr|id-?nr|tin|tax id"
    ),
    "ES": _Sort(r"(?:\d{8}|[XYZxyz]-?\d{7})-?[A-Za-z]", spanish),
    "FI": _Sort(r"\d{6}[\-+A-FU-Y]\d{3}[0-9A-Y]", finnish),
    "FR": _Sort(r"[12][ ]?\d{2}[ ]?\d{2}[ ]?\d[0-9AB][ ]?\d{3}[ ]?\d{3}[ ]?\d{2}", french),
    "IN": _Sort(r"[2-9]\d{3}[ \-]\d{4}[ \-]\d{4}", indian),
    "IT": _Sort(r"[A-Za-z]{6}\d{2}[A-EHLMPR-Ta-ehlmpr-t]\d{2}[A-Za-z]\d{3}[A-Za-z]", italian),
    "NL": _Sort(r"\d{9}", dutch, "bsn|burgerservicenummer|sofi-?nummer"),
    "PL": _Sort(r"\d{11}", polish, "pesel"),
}


def rules(countries: tuple[str, ...]) -> Iterator[PatternRule]:
    """The rules of the countries, by their codes of ISO 3166."""
    for country in countries:
        sort = _SORTS[country]
        check = _checked(sort.valid)
        yield PatternRule(
            f"national_id_{country.lower()}",
            "national_id",
            f"{_EDGE}({sort.pattern}){_EDGE}",
            _VIEWS,
            near(sort.words, check) if sort.words else check,
            group=1,
            around=NAMED,
        )


def _checked(valid: Callable[[str], bool]) -> Check:
    def confirm(text: str, start: int, end: int) -> Spans:
        # A Finnish number has its sign among its digits, the others have none there.
        written = text[start:end].upper()
        bare = "".join(sign for sign in written if sign.isalnum())
        number = written if valid is finnish else bare
        return ((start, end),) if alone(text, start, end) and valid(number) else ()

    return confirm
