"""Write the independent half of the detection corpus: `independent.jsonl`.

Values come from faker, phonenumbers and python-stdnum (versions in
`independent.meta.json`), never from the patterns under test. The file was
written once, before any pattern was tuned, and is frozen: running this again
with the recorded versions gives the same lines, but for the dates of
`benign_time`, which faker takes from the day on which it runs.

    python -m venv /tmp/corpus && /tmp/corpus/bin/pip install -r requirements.txt
    /tmp/corpus/bin/python generate_independent.py
"""

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import phonenumbers
from faker import Faker
from stdnum import iban, luhn
from stdnum.us import ssn

SEED = 20260917
PER_KIND = 60
REGIONS = ("US", "GB", "DE", "FR", "IN", "AU")
HERE = Path(__file__).parent

fake = Faker(["en_US", "en_GB"])
Faker.seed(SEED)
chance = random.Random(SEED)

Case = dict[str, object]

CARRIERS = {
    "EMAIL": ["Write to {}", "her address is {}", "cc {} please", "From: {}", "Contact {} today"],
    "PHONE": [
        "Call me on {}",
        "Phone: {}",
        "you can reach her at {}",
        "my mobile number is {}",
        "Tel. {}",
        "text {} when you arrive",
        "contact number {}",
    ],
    "SSN": ["SSN {}", "her social security number is {}", "SSN: {}", "social security no. {}"],
    "CARD": [
        "Card {}",
        "charge it to {}",
        "my card number is {}",
        "paid with {}",
        "Visa or not: {}",
    ],
    "IP": ["login from {}", "host {}", "client_ip={}", "the server at {}", "blocked {} again"],
    "IBAN": ["IBAN {}", "transfer it to {}", "account {}", "Please pay {} this week"],
    "NPI": ["NPI {}", "NPI: {}", "provider NPI number {}", "National Provider Identifier {}"],
    "CVV": ["CVV {}", "CVC: {}", "cvv2 {}", "security code {}", "the CVV is {}"],
    "CARDHOLDER": ["Cardholder: {}", "Name on card: {}", "cardholder name {}"],
    "MRN": ["MRN {}", "MRN: {}", "medical record number {}", "Medical Record No. {}"],
    "INSURANCE_ID": ["Member ID: {}", "insurance id {}", "policy number {}", "Insurance ID: {}"],
    "SECRET": ["key {}", "export TOKEN={}", 'token: "{}"', "use {} for now", "Authorization {}"],
    "": ["see {}", "reference {}", "{}", "it says {}", "value: {}"],
}


def sentence() -> str:
    return fake.sentence(nb_words=chance.randint(4, 10))


def case(kind: str, value: str, label: str, carrier: str | None = None) -> Case:
    """Put `value` into running text; its span is labelled unless `label` is empty."""
    lead = (carrier or chance.choice(CARRIERS[label])).split("{}")
    before = f"{sentence()} {lead[0]}" if chance.random() < 0.7 else lead[0]
    after = lead[1] + chance.choice([".", "", ", thanks.", f" {sentence()}", "\n" + sentence()])
    spans = [[len(before), len(before) + len(value), label]] if label else []
    return {"kind": kind, "text": before + value + after, "spans": spans}


def emails() -> Iterator[Case]:
    makers = [fake.email, fake.company_email, fake.ascii_safe_email, fake.free_email]
    for _ in range(PER_KIND):
        yield case("email", chance.choice(makers)(), "EMAIL")
    for _ in range(20):
        bad = [f"@{fake.user_name()}", f"{fake.user_name()}@{fake.word()}", f"{fake.word()}@2x.png"]
        yield case("email_invalid", chance.choice(bad), "")


def spaced(digits: str, mark: str) -> str:
    return mark.join(digits[i : i + 4] for i in range(0, len(digits), 4))


def cards() -> Iterator[Case]:
    for _ in range(PER_KIND):
        digits = fake.credit_card_number()
        assert luhn.is_valid(digits)
        shape = chance.choice(["plain", "plain", " ", "-"]) if len(digits) == 16 else "plain"
        yield case("card", digits if shape == "plain" else spaced(digits, shape), "CARD")
    for _ in range(PER_KIND):
        digits = fake.credit_card_number("visa16")
        bad = digits[:-1] + str((int(digits[-1]) + chance.randint(1, 9)) % 10)
        assert not luhn.is_valid(bad)
        yield case(
            "card_invalid", chance.choice([bad, spaced(bad, " ")]), "", "my card number is {}"
        )


def ibans() -> Iterator[Case]:
    countries = [
        Faker(name)
        for name in (
            "de_DE",
            "en_GB",
            "fr_FR",
            "it_IT",
            "es_ES",
            "nl_NL",
            "pl_PL",
            "de_CH",
            "pt_PT",
        )
    ]
    for index, local in enumerate(countries):
        local.seed_instance(SEED + index)
    for _ in range(PER_KIND):
        number = chance.choice(countries).iban()
        assert iban.is_valid(number)
        yield case("iban", chance.choice([number, spaced(number, " ")]), "IBAN")
    for _ in range(PER_KIND):
        number = chance.choice(countries).iban()
        bad = number[:-1] + str((int(number[-1]) + 3) % 10) if number[-1].isdigit() else number[:-1]
        assert not iban.is_valid(bad)
        yield case("iban_invalid", chance.choice([bad, spaced(bad, " ")]), "", "IBAN {}")


def ssns() -> Iterator[Case]:
    american = Faker("en_US")
    american.seed_instance(SEED)
    for _ in range(PER_KIND):
        number = american.ssn()
        assert ssn.is_valid(number)
        carrier = None if chance.random() < 0.7 else "on file: {}"
        yield case("ssn", number, "SSN", carrier)
    for _ in range(PER_KIND // 2):
        parts = chance.choice(
            [(0, 12, 1234), (666, 12, 1234), (900, 70, 44), (219, 0, 998), (219, 9, 0)]
        )
        number = "{:03d}-{:02d}-{:04d}".format(*parts)
        assert not ssn.is_valid(number)
        yield case("ssn_invalid", number, "", "SSN {}")


def random_phone(region: str) -> phonenumbers.PhoneNumber:
    """A number that the metadata calls valid, near the region's own example."""
    kind = chance.choice(
        [phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE]
    )
    example = phonenumbers.example_number_for_type(region, kind)
    while True:
        national = str(example.national_number)
        keep = len(national) - chance.randint(4, 6)
        tail = "".join(chance.choices(string.digits, k=len(national) - keep))
        number = phonenumbers.PhoneNumber(
            country_code=example.country_code, national_number=int(national[:keep] + tail)
        )
        if phonenumbers.is_valid_number(number):
            return number


def phones() -> Iterator[Case]:
    shapes = [
        phonenumbers.PhoneNumberFormat.E164,
        phonenumbers.PhoneNumberFormat.INTERNATIONAL,
        phonenumbers.PhoneNumberFormat.NATIONAL,
    ]
    for region in REGIONS:
        for _ in range(PER_KIND // 3):
            shape = chance.choice(shapes)
            text = phonenumbers.format_number(random_phone(region), shape)
            yield case(f"phone_{region.lower()}", text, "PHONE")
    for _ in range(PER_KIND // 2):
        text = chance.choice(["(0{}) {}-{}", "1{}-{}-{}", "(2{}) 1{}-{}"]).format(
            chance.randint(10, 99), chance.randint(10, 99), chance.randint(1000, 9999)
        )
        parsed = phonenumbers.parse(text, "US")
        if not phonenumbers.is_valid_number(parsed):
            yield case("phone_invalid", text, "", "part {}")


def addresses() -> Iterator[Case]:
    makers = [fake.ipv4_public, fake.ipv4_public, lambda: fake.ipv4_private(), fake.ipv6]
    for _ in range(PER_KIND):
        yield case("ip", chance.choice(makers)(), "IP")
    for _ in range(PER_KIND // 2):
        octets = [chance.randint(256, 999), *chance.choices(range(256), k=3)]
        chance.shuffle(octets)
        yield case("ip_invalid", ".".join(map(str, octets)), "")


def npis() -> Iterator[Case]:
    for _ in range(PER_KIND):
        body = chance.choice("12") + "".join(chance.choices(string.digits, k=8))
        number = body + luhn.calc_check_digit("80840" + body)
        yield case("npi", number, "NPI")
        bad = body + str((int(number[-1]) + chance.randint(1, 9)) % 10)
        assert not luhn.is_valid("80840" + bad)
        yield case("npi_invalid", bad, "", "NPI {}")


def card_extras() -> Iterator[Case]:
    for _ in range(PER_KIND // 2):
        yield case("cvv", fake.credit_card_security_code(chance.choice(["visa", "amex"])), "CVV")
        yield case("cardholder", f"{fake.first_name()} {fake.last_name()}", "CARDHOLDER")


def health_ids() -> Iterator[Case]:
    for _ in range(PER_KIND // 2):
        yield case(
            "mrn", fake.bothify(chance.choice(["########", "#######", "??######"])).upper(), "MRN"
        )
        shape = chance.choice(["???#########", "?########", "###########", "??-#######"])
        yield case("insurance_id", fake.bothify(shape).upper(), "INSURANCE_ID")


def pick(alphabet: str, count: int) -> str:
    return "".join(chance.choices(alphabet, k=count))


WORD = string.ascii_letters + string.digits
KEYS: dict[str, Callable[[], str]] = {
    "aws": lambda: chance.choice(["AKIA", "ASIA"]) + pick(string.ascii_uppercase + "234567", 16),
    "google": lambda: "AIza" + pick(WORD + "-_", 35),
    "azure": lambda: "AccountKey=" + pick(WORD + "+/", 86) + "==",
    "github": lambda: chance.choice(["ghp_", "gho_", "ghs_", "ghu_"]) + pick(WORD, 36),
    "github_fine": lambda: "github_pat_" + pick(WORD, 22) + "_" + pick(WORD, 59),
    "gitlab": lambda: "glpat-" + pick(WORD + "-_", 20),
    "slack": lambda: f"xoxb-{pick(string.digits, 12)}-{pick(string.digits, 13)}-{pick(WORD, 24)}",
    "stripe": lambda: chance.choice(["sk_live_", "rk_live_"]) + pick(WORD, 24),
    "anthropic": lambda: "sk-ant-api03-" + pick(WORD + "-_", 93) + "AA",
    "openai": lambda: "sk-proj-" + pick(WORD, 48),
}


def secrets() -> Iterator[Case]:
    for name, make in KEYS.items():
        for _ in range(PER_KIND // 5):
            value = make()
            label_from = value.index("=") + 1 if name == "azure" else 0
            built = case(f"secret_{name}", value, "SECRET")
            start, end, label = built["spans"][0]  # type: ignore[index]
            yield built | {"spans": [[start + label_from, end, label]]}
    for _ in range(PER_KIND // 2):
        near = [
            "AKIA" + pick(string.ascii_uppercase, 7),
            "ghp_" + pick(WORD, 12),
            "glpat-" + pick(WORD, 8),
            "sk_test",
            "AIza" + pick(WORD, 9),
            "xoxb-none",
        ]
        yield case("secret_near", chance.choice(near), "")


def benign() -> Iterator[Case]:
    german, french = Faker("de_DE"), Faker("fr_FR")
    german.seed_instance(SEED)
    french.seed_instance(SEED)
    makers: dict[str, Callable[[], str]] = {
        "order": lambda: fake.bothify(
            chance.choice(["ORD-########", "#########", "INV-2023-#####", "PO ##########"])
        ),
        "version": lambda: fake.bothify(
            chance.choice(["v#.##.#", "#.#.##-rc#", "version ##.#.####.###"])
        ),
        "hash": lambda: chance.choice([fake.md5, fake.sha1, fake.sha256])(),
        "uuid": lambda: str(fake.uuid4()),
        "isbn": lambda: chance.choice([fake.isbn13, fake.isbn10, fake.ean13])(),
        "time": lambda: chance.choice(
            [fake.iso8601, fake.date, fake.time, lambda: str(fake.unix_time())]
        )(),
        "price": lambda: (
            f"{chance.choice('$€£')}{chance.randint(1, 10**7):,}.{chance.randint(0, 99):02d}"
        ),
        "place": lambda: f"{fake.latitude()}, {fake.longitude()}",
        "mac": lambda: fake.mac_address(),
        "plate": lambda: fake.license_plate(),
        "agent": lambda: fake.user_agent(),
        "url": lambda: fake.url(),
        "path": lambda: fake.file_path(depth=4),
        "postal": lambda: fake.address().replace("\n", ", "),
    }
    for name, make in makers.items():
        for _ in range(PER_KIND // 3):
            yield case(f"benign_{name}", make(), "")
    for local in (fake, german, french):
        for _ in range(PER_KIND // 2):
            yield {"kind": "benign_prose", "text": local.paragraph(nb_sentences=8), "spans": []}


def halved(text: str) -> list[str]:
    """Cut text so that no whole credential stands in the repository, real-looking as it is."""
    step = 12
    return [text[i : i + step] for i in range(0, len(text), step)]


def main() -> None:
    makers = [
        emails,
        cards,
        ibans,
        ssns,
        phones,
        addresses,
        npis,
        card_extras,
        health_ids,
        secrets,
        benign,
    ]
    rows = [row for make in makers for row in make()]
    with (HERE / "independent.jsonl").open("w", encoding="utf-8") as out:
        for number, row in enumerate(rows):
            text = str(row["text"])
            secret = str(row["kind"]).startswith("secret_")
            stored = row | {"id": f"i{number:04d}", "text": halved(text) if secret else text}
            out.write(json.dumps(stored, ensure_ascii=False, sort_keys=True) + "\n")
    facts = {"seed": SEED, "cases": len(rows)} | {
        name: version(name) for name in ("faker", "phonenumbers", "python-stdnum")
    }
    (HERE / "independent.meta.json").write_text(
        json.dumps(facts, indent=2) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
