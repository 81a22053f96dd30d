"""Attacks on JWTs: each is refused like an unknown token, with its reason in the log alone."""

import base64
import hashlib
import hmac
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc import jwe
from joserfc.errors import SecurityWarning
from joserfc.jwk import OctKey, RSAKey

from tests.access.trusts.conftest import Trusting, asking, refused
from tests.support.issuer import (
    AUDIENCE,
    Issuer,
    encoded,
    github_claims,
    gitlab_claims,
    made_key,
    signed,
    signed_bytes,
)

pytestmark = [pytest.mark.django_db, pytest.mark.smoke]

P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ATTACKER: Any = made_key("RSA")
Attack = Callable[[Issuer], str]


def job(issuer: Issuer, **changes: Any) -> dict[str, Any]:
    return github_claims(issuer.url, **changes)


def whole(issuer: Issuer, **changes: Any) -> str:
    return issuer.token(job(issuer, **changes))


def header(**fields: Any) -> Attack:
    """A lawful JWT, but for its header."""

    def attack(issuer: Issuer) -> str:
        return issuer.token(job(issuer), **fields)

    return attack


def claim(**changes: Any) -> Attack:
    """A lawful JWT, but for its claims."""
    return lambda issuer: whole(issuer, **changes)


def later(**seconds: int) -> Attack:
    """A lawful JWT, but for its times: seconds from now."""

    def attack(issuer: Issuer) -> str:
        now = job(issuer)["iat"]
        return whole(issuer, **{name: now + value for name, value in seconds.items()})

    return attack


def text_of(old: str, new: str) -> Attack:
    """A lawful JWT with another text of its claims."""

    def attack(issuer: Issuer) -> str:
        data = json.dumps(job(issuer))
        assert old in data
        head = json.dumps({"alg": "ES256", "kid": "one"}).encode()
        return signed_bytes(head, data.replace(old, new, 1).encode(), issuer.keys["one"], "ES256")

    return attack


def unsigned(algorithm: Any) -> Attack:
    """A JWT without a signature."""

    def attack(issuer: Issuer) -> str:
        parts = ({"alg": algorithm, "kid": "one", "typ": "JWT"}, job(issuer))
        return ".".join([*(encoded(json.dumps(part).encode()) for part in parts), ""])

    return attack


def unsigned_with_a_signature(issuer: Issuer) -> str:
    return unsigned("none")(issuer) + whole(issuer).rpartition(".")[2]


def hmac_with_the_public_key(issuer: Issuer) -> str:
    head = encoded(json.dumps({"alg": "HS256", "kid": "one"}).encode())
    text = f"{head}.{encoded(json.dumps(job(issuer)).encode())}"
    secret = issuer.keys["one"].as_pem(private=False)
    return f"{text}.{encoded(hmac.digest(secret, text.encode(), hashlib.sha256))}"


def by_another_key(algorithm: str = "RS256") -> Attack:
    def attack(issuer: Issuer) -> str:
        return signed({"alg": algorithm, "kid": "one"}, job(issuer), ATTACKER)

    return attack


def with_signature(change: Callable[[bytes], bytes]) -> Attack:
    def attack(issuer: Issuer) -> str:
        text, _, signature = whole(issuer).rpartition(".")
        raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
        return f"{text}.{encoded(change(raw))}"

    return attack


def der(raw: bytes) -> bytes:
    return encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))


def other_claims_under_a_signature(issuer: Issuer) -> str:
    head, _, signature = whole(issuer, ref="refs/heads/other").split(".")
    return f"{head}.{encoded(json.dumps(job(issuer)).encode())}.{signature}"


def encrypted(issuer: Issuer) -> str:
    head = {"alg": "dir", "enc": "A128GCM", "kid": "one"}
    return jwe.encrypt_compact(head, json.dumps(job(issuer)).encode(), OctKey.generate_key(128))


def json_form(issuer: Issuer) -> str:
    head, body, signature = whole(issuer).split(".")
    return json.dumps({"payload": body, "protected": head, "signature": signature})


def nested(issuer: Issuer) -> str:
    inner = whole(issuer).encode()
    head = json.dumps({"alg": "ES256", "kid": "one"}).encode()
    return signed_bytes(head, inner, issuer.keys["one"], "ES256")


def zipped(issuer: Issuer) -> str:
    bomb = zlib.compress(b'{"iss": "' + b"a" * 1_000_000 + b'"}')
    head = json.dumps({"alg": "ES256", "kid": "one", "zip": "DEF"}).encode()
    return signed_bytes(head, bomb, issuer.keys["one"], "ES256")


def spelt(change: Callable[[str], str]) -> Attack:
    return lambda issuer: change(whole(issuer))


def padded(text: str) -> str:
    head, body, signature = text.split(".")
    return f"{head}.{body}.{signature}=="


def classic_alphabet(text: str) -> str:
    return text.replace("-", "+").replace("_", "/") + "+"


def with_bits_left_over(text: str) -> str:
    # 64 bytes are 86 characters, of whose last one four bits are nothing.
    return text[:-1] + chr(ord(text[-1]) + 1)


def in_utf16(issuer: Issuer) -> str:
    head = json.dumps({"alg": "ES256", "kid": "one"}).encode()
    return signed_bytes(head, json.dumps(job(issuer)).encode("utf-16"), issuer.keys["one"], "ES256")


def twice_in_header(issuer: Issuer) -> str:
    head = b'{"alg": "none", "alg": "ES256", "kid": "one"}'
    return signed_bytes(head, json.dumps(job(issuer)).encode(), issuer.keys["one"], "ES256")


def deep(issuer: Issuer) -> str:
    head = json.dumps({"alg": "ES256", "kid": "one"}).encode()
    return signed_bytes(head, b'{"iss": ' + b"[" * 2500 + b"]" * 2500 + b"}", ATTACKER, "RS256")


def huge(issuer: Issuer) -> str:
    return whole(issuer, padding="x" * 9000)


def signed_by_its_own_key(name: str) -> Attack:
    """A JWT that brings, or leads to, the key that signed it."""
    key = made_key()
    public = key.as_dict(private=False)
    where = {
        "jwk": public,
        "jku": "https://attacker.example/keys",
        "x5u": "https://attacker.example/chain.pem",
        "x5c": ["MIIB"],
    }
    head = {"alg": "ES256", "kid": "one", name: where[name]}
    return lambda issuer: signed(head, job(issuer), key)


def stranger(url: Callable[[str], str]) -> Attack:
    """A JWT whose issuer is spelt otherwise."""
    return lambda issuer: whole(issuer, iss=url(issuer.url))


ATTACKS: list[tuple[str, Attack, str]] = [
    # No signature, or one that whoever has the public key can make.
    *(
        (f"alg {alg!r}", unsigned(alg), "algorithm")
        for alg in (
            "none",
            "None",
            "NONE",
            "nOnE",
            "",
            None,
            ["none"],
            {"a": 1},
            0,
            "ES256 ",
            "es256",
        )
    ),
    ("none with a signature", unsigned_with_a_signature, "algorithm"),
    ("HS256 with the public key", hmac_with_the_public_key, "algorithm"),
    ("signature stripped", unsigned("ES256"), "malformed"),
    # Another algorithm or key than the issuer's.
    ("RS256 for a key of ECDSA", by_another_key(), "algorithm"),
    ("PS256 for a key of ECDSA", by_another_key("PS256"), "algorithm"),
    (
        "another key under the kid",
        lambda issuer: signed({"alg": "ES256", "kid": "one"}, job(issuer), made_key()),
        "signature",
    ),
    ("a kid of nobody", header(kid="two"), "unknown_key"),
    ("a kid that is a path", header(kid="../../../../dev/null"), "unknown_key"),
    ("a kid that is SQL", header(kid="one' UNION SELECT 'key"), "unknown_key"),
    ("a kid that is a command", header(kid="|cat /etc/passwd"), "unknown_key"),
    ("a kid in another case", header(kid="ONE"), "unknown_key"),
    ("a kid of another type", header(kid=["one"]), "header"),
    ("a kid that is empty", header(kid=""), "header"),
    ("a kid that is long", header(kid="o" * 300), "header"),
    ("no kid", header(kid=None), "header"),
    *(
        (f"{name} of its own", signed_by_its_own_key(name), "header")
        for name in ("jwk", "jku", "x5u", "x5c")
    ),
    ("crit with b64=false", header(b64=False, crit=["b64"]), "header"),
    ("b64=false alone", header(b64=False), "header"),
    ("crit of nothing", header(crit=[]), "header"),
    ("typ of another kind", header(typ="at+jwt"), "header"),
    ("cty of nested ones", header(cty="JWT"), "header"),
    # The signature.
    ("truncated", with_signature(lambda raw: raw[:-1]), "signature"),
    ("empty", with_signature(lambda raw: b"\0"), "signature"),
    ("DER instead of raw", with_signature(der), "signature"),
    ("psychic", with_signature(lambda raw: bytes(64)), "signature"),
    ("psychic with r of the order", with_signature(lambda raw: P256.to_bytes(32) * 2), "signature"),
    (
        "longer by zeros",
        with_signature(lambda raw: bytes(1) + raw[:32] + bytes(1) + raw[32:]),
        "signature",
    ),
    ("over other claims", other_claims_under_a_signature, "signature"),
    # Other forms, and other spellings of the same.
    ("JWE", encrypted, "malformed"),
    ("JSON form", json_form, "malformed"),
    ("nested", nested, "malformed"),
    ("compressed", zipped, "header"),
    ("padded", spelt(padded), "malformed"),
    ("with a blank in it", spelt(lambda text: text.replace(".", ". ", 1)), "malformed"),
    ("in the classic alphabet", spelt(classic_alphabet), "malformed"),
    ("with bits left over", spelt(with_bits_left_over), "malformed"),
    ("in UTF-16", in_utf16, "malformed"),
    ("huge", huge, "too_large"),
    ("a huge header", header(x5t="x" * 600), "too_large"),
    ("deep", deep, "malformed"),
    # Claims that each reader would read otherwise.
    ("alg twice", twice_in_header, "malformed"),
    ("iss twice", text_of('"iss"', '"iss": "https://other.example", "iss"'), "malformed"),
    ("ref twice", text_of('"ref"', '"ref": "refs/heads/x", "ref"'), "malformed"),
    ("NaN", text_of('"run_attempt": "1"', '"run_attempt": NaN'), "malformed"),
    ("Infinity as exp", text_of('"exp": ', '"exp": Infinity, "other": '), "malformed"),
    (
        "a number of 5,000 digits",
        text_of('"exp": ', '"exp": 1' + "0" * 4999 + ', "other": '),
        "malformed",
    ),
    ("exp with an exponent", text_of('"exp": ', '"exp": 9e9, "other": '), "claim"),
    ("exp as a fraction", text_of('"exp": ', '"exp": 9999999999.5, "other": '), "claim"),
    ("exp beyond all years", claim(exp=2**63), "claim"),
    ("exp as text", claim(exp="9999999999"), "claim"),
    ("exp as true", claim(exp=True), "claim"),
    (
        "claims that are a list",
        lambda issuer: signed({"alg": "ES256", "kid": "one"}, b"[1]", issuer.keys["one"]),
        "malformed",
    ),
    # Times.
    *((f"no {name}", claim(**{name: None}), "claim") for name in ("exp", "iat", "nbf", "sub")),
    ("expired", later(iat=-400, exp=-61), "expired"),
    ("not yet", later(nbf=120), "not_yet"),
    ("issued tomorrow", later(iat=86_400, exp=90_000), "not_yet"),
    ("ends before it begins", later(exp=-10), "lifetime"),
    ("lasts a day", later(exp=86_400), "lifetime"),
    ("was issued long ago and lasts", later(iat=-90_000, exp=300), "lifetime"),
    # For whom.
    ("no aud", claim(aud=None), "audience"),
    ("aud of another", claim(aud="https://other.example"), "audience"),
    ("aud with a slash", claim(aud=AUDIENCE + "/"), "audience"),
    ("aud in another case", claim(aud=AUDIENCE.upper()), "audience"),
    ("aud of the issuer's default", claim(aud="https://github.com/octo-org"), "audience"),
    ("aud with others", claim(aud=[AUDIENCE, "https://other.example"]), "audience"),
    ("aud twice", claim(aud=[AUDIENCE, AUDIENCE]), "audience"),
    ("aud of nobody", claim(aud=[]), "audience"),
    ("aud as an object", claim(aud={AUDIENCE: True}), "audience"),
    # By whom.
    ("no iss", claim(iss=None), "no_trust"),
    ("iss as a list", lambda issuer: whole(issuer, iss=[issuer.url]), "no_trust"),
    ("iss with a slash", stranger(lambda url: url + "/"), "no_trust"),
    ("iss in another case", stranger(str.upper), "no_trust"),
    ("iss with a user", stranger(lambda url: url.replace("//", "//127.0.0.1@")), "no_trust"),
    ("iss with a path", stranger(lambda url: url + "/../x"), "no_trust"),
    (
        "iss by another name",
        stranger(lambda url: url.replace("127.0.0.1", "localhost")),
        "no_trust",
    ),
    ("iss with look-alikes", stranger(lambda url: url.replace("1", "\uff11")), "no_trust"),
    ("iss with a NUL", stranger(lambda url: url + "\0"), "no_trust"),
    ("iss that begins so", stranger(lambda url: url + ".attacker.example"), "no_trust"),
    ("iss with a dot", stranger(lambda url: url.replace("127.0.0.1", "127.0.0.1.")), "no_trust"),
    # From where.
    ("a repository of the same name", claim(repository_id="75"), "source"),
    ("an id of another type", claim(repository_id=74), "source"),
    ("an id with a zero", claim(repository_id="074"), "source"),
    ("no id", claim(repository_id=None), "source"),
    ("an id in a list", claim(repository_id=["74"]), "source"),
    ("GitLab's claims", lambda issuer: issuer.token(gitlab_claims(issuer.url)), "source"),
    ("another branch", claim(ref="refs/heads/other"), "ref"),
    ("a branch that begins so", claim(ref="refs/heads/mainX"), "ref"),
    ("a branch in another case", claim(ref="refs/heads/Main"), "ref"),
    ("a tag of the name", claim(ref="refs/tags/main"), "ref"),
    ("the short name", claim(ref="main"), "ref"),
    ("a way around", claim(ref="refs/heads/release/../main"), "ref"),
    ("with a line's end", claim(ref="refs/heads/main\n"), "ref"),
    ("no ref", claim(ref=None), "ref"),
    ("a ref of another type", claim(ref=["refs/heads/main"]), "ref"),
    ("a pull request", claim(ref="refs/pull/1/merge", event_name="pull_request"), "ref"),
    ("a fork's, by the branch it goes into", claim(event_name="pull_request_target"), "ref"),
]


@pytest.mark.parametrize(("attack", "reason"), [pytest.param(a, r, id=n) for n, a, r in ATTACKS])
def test_an_attack_is_refused(
    trusting: Trusting, issuer: Issuer, attack: Attack, reason: str
) -> None:
    """401 without a word of why; the log has one line with the reason."""
    trusting()

    assert refused(attack(issuer)) == [reason]
    assert asking(whole(issuer)).status_code == 200


def test_there_are_enough_attacks() -> None:
    """Each by a name of its own."""
    assert len({name for name, _, _ in ATTACKS}) == len(ATTACKS) >= 100


@pytest.mark.parametrize(
    "attack",
    [
        claim(),
        claim(aud=[AUDIENCE]),
        header(typ="JWT"),
        header(typ="jwt", x5t="ykNaY4qM_ta4k2TgZOCEYLkcYlA"),
        later(exp=-50, iat=-300),
        later(nbf=50, iat=50),
        claim(repository="octo-org/renamed", sub="repo:octo-org/renamed:ref:refs/heads/main"),
        claim(environment="production", event_name="workflow_dispatch"),
        with_signature(lambda raw: raw[:32] + (P256 - int.from_bytes(raw[32:])).to_bytes(32)),
    ],
    ids=[
        "as it is", "aud in a list", "typ", "x5t as GitHub has it", "within the skew",
        "a clock ahead", "a renamed repository", "more claims", "the other half of a curve",
    ],
)  # fmt: skip
def test_what_is_lawful_passes(trusting: Trusting, issuer: Issuer, attack: Attack) -> None:
    """With clocks a minute apart; a repository keeps its id when it is renamed."""
    row = trusting()

    answer = asking(attack(issuer))

    assert answer.status_code == 200
    assert answer.json()["data"]["trust"]["id"] == row["id"]


@pytest.mark.parametrize("bits", [1024, 2040])
def test_a_weak_key_signs_nothing(trusting: Trusting, issuer: Issuer, bits: int) -> None:
    """The issuer may give it out; it is taken for no key."""
    trusting()
    with pytest.warns(SecurityWarning, match="2048"):
        weak = RSAKey.generate_key(bits)
    issuer.keys = {"one": weak}

    assert refused(issuer.token(job(issuer))) == ["unknown_key"]


@pytest.mark.parametrize(
    ("kind", "size", "algorithms"),
    [
        ("RSA", 2048, ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")),
        ("EC", "P-256", ("ES256",)),
        ("EC", "P-384", ("ES384",)),
        ("OKP", "Ed25519", ("EdDSA", "Ed25519")),
    ],
)
def test_each_algorithm_of_the_list_passes(
    trusting: Trusting, issuer: Issuer, kind: str, size: Any, algorithms: tuple[str, ...]
) -> None:
    """By a key of its kind."""
    trusting()
    issuer.keys = {"one": made_key(kind, size)}

    for algorithm in algorithms:
        assert asking(issuer.token(job(issuer), alg=algorithm)).status_code == 200


GITLAB = {"project_id": "20", "ref": "refs/heads/main"}


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({}, []),
        ({"environment": "production"}, []),
        ({"project_path": "my-group/renamed"}, []),
        ({"project_id": "21"}, ["source"]),
        ({"project_id": 20}, ["source"]),
        ({"ref_type": "tag", "ref_path": "refs/tags/main"}, ["ref"]),
        ({"ref_path": None}, ["ref"]),
        ({"ref": "other", "ref_path": "refs/heads/other"}, ["ref"]),
        ({"pipeline_source": "merge_request_event"}, ["ref"]),
    ],
)
def test_a_job_of_gitlab(
    trusting: Trusting, issuer: Issuer, changes: dict[str, Any], reasons: list[str]
) -> None:
    """A tag may have a branch's short name, and a fork's merge request its whole one."""
    trusting(**GITLAB)
    text = issuer.token(gitlab_claims(issuer.url, **changes))

    assert (refused(text) if reasons else [asking(text).status_code]) == (reasons or [200])
