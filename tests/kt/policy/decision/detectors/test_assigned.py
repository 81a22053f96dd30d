# ruff: noqa: RUF001 - other scripts are what is tested.
"""Secrets that only what stands before them gives away, and what stands there otherwise."""

from __future__ import annotations

import base64
import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kt.policy.decision import Request
from kt.policy.decision.detectors import assigned
from kt.policy.decision.detectors.assigned import random_value
from kt.policy.decision.detectors.randomness import entropy, placeholder, restlessness
from tests.kt.policy.builders import ask, compiled, content
from tests.kt.policy.decision.texts import releasable

SNAPSHOT = compiled("dlp-filter")
REQUEST = Request({"model": "m", "messages": []}, model="m")

# Made up; `{}` is where the value stands.
NAMED = (
    "export VENDOR_API_KEY={}",
    'vendor_token = "{}"',
    "vendor.apiKey: {}",
    '{{"vendor": {{"secret": "{}"}}}}',
    "my vendor key is {} can you look?",
    "client_secret := '{}'",
    "SECRET_KEY_BASE={}",
    "<accessToken>{}</accessToken>",
    "-Dtoken={} -Dmode=fast",
    "我的密钥 token：{}",
    'curl -H "Authorization: Bearer {}" https://api.vendor.example/v1',
    'curl -H "Authorization: Token {}" https://api.vendor.example/v1',
    'curl -H "X-Auth-Token: {}" https://api.vendor.example/v1',
    "curl -u {}: https://api.vendor.example/v1",
)
_IN_BASE64 = base64.b64encode(b"words only").decode()
PASSWORDS = (
    ("password: {}", "hunter2-Blue"),
    ("DB_PASSWORD={}", "Tr0ub4dor&3"),
    ('pwd = "{}"', "c0rrect!horse"),
    ("the password is {}, do not share it", "s3cretSauce"),
    ("Server=db;User Id=sa;Password={};Encrypt=yes", "Xy9!kLm2"),
    ("jdbc:postgresql://db/app?user=app&password={}", "q7Wz_44x"),
    ("postgres://app:{}@db.internal:5432/app", "q7Wz44x"),
    ("redis://:{}@cache.internal:6379/0", "q7Wz44x"),
    ("curl -u admin:{} https://db.internal", "P@ss0rt$1"),
    ("curl --user 'admin:{}' https://db.internal", "h0ney~21s"),
    ("machine git.internal login build password {}", "q7Wz44x"),
    ("Authorization: Basic {}", base64.b64encode(b"build:q7Wz44x").decode()),
    (
        "apiVersion: v1\nkind: Secret\ndata:\n  anything: {}",
        base64.b64encode(b"words only").decode(),
    ),
    ("data:\n  password: {}\n", base64.b64encode(b"demo:password-1234").decode()),
)
# What stands there otherwise: no secret in any of them.
HARMLESS = (
    "The key to success is patience, and the secret is practice.",
    "A token is a word or a part of one; the password is required.",
    "password: string, token: optional, secret: null",
    'api_key = os.environ["VENDOR_API_KEY"]',
    "token = request.headers.get_token()",
    "apiKey: process.env.API_KEY",
    "export TOKEN=$VENDOR_TOKEN",
    "export TOKEN=${VENDOR_TOKEN:-none}",
    "api_key: your-api-key-here",
    "API_KEY=xxxxxxxxxxxxxxxxxxxxxxxx",
    "password = <your password>",
    "password=changeme",
    "Authorization: Bearer YOUR_ACCESS_TOKEN",
    "Authorization: Bearer {token}",
    "curl -u user:pass https://example.org",
    'curl -u "$NAME:$PASSWORD" https://example.org',
    "docker run -u 1000:1000 image",
    "postgres://user:password@localhost/app",
    "public_key = MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A",
    'csrf-token="Mj2qykJO5rELyHgezQ69nzUX0i3OH67V"',
    'primary_key = "id", sort_key = "created_at_2024"',
    "key_id: 555ea4a3-d53a-4412-9c66-3a7cb667b0d6",
    "token_url: https://auth.example.org/v2/token",
    "secret_name: prod/db-2/main",
    "keyword: Befreiung_P2",
    "cache key: a94a8fe5ccb19ba61c4c0873d391e987982fbbd3",
    "max_tokens: 4096, token_count = 123456789",
    "kind: ConfigMap\ndata:\n  mode: cHJvZHVjdGlvbg==\n",
)
_LETTERS = string.ascii_letters + string.digits


@pytest.mark.parametrize("text", NAMED)
def test_a_random_value_with_a_secret_name_is_cut_out(text: str) -> None:
    """Of each alphabet in which issuers write; what stands around it stays.

    By chance one in ten of small letters and digits has next to no digits.
    """
    chance = random.Random(text)
    before, _, after = text.format("\0").partition("\0")
    for alphabet, size in ((_LETTERS, 32), (_LETTERS.lower(), 24), ("0123456789abcdef", 40)):
        values = ["".join(chance.choices(alphabet, k=size)) for _ in range(20)]
        marked = [value for value in values if ask(SNAPSHOT, text.format(value)).body]
        assert len(marked) >= 16
        for value in marked[:5]:
            left = content(ask(SNAPSHOT, text.format(value)))
            assert value not in left
            assert left.startswith(before)
            assert left.endswith(after)


@pytest.mark.parametrize(("text", "value"), PASSWORDS)
def test_a_password_is_cut_out(text: str, value: str) -> None:
    """Alone, in a connection string, a header, an option, a file of secrets."""
    assert value not in content(ask(SNAPSHOT, text.format(value)))


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_reads_like_a_secret_stays(text: str) -> None:
    """Prose, code, placeholders, names of what is public."""
    assert ask(SNAPSHOT, text).verdict == "allow"


@pytest.mark.parametrize("text", NAMED)
def test_a_stream_lets_nothing_of_a_named_value_go(text: str) -> None:
    """Wherever it stands, before the value is found."""
    value = "q7Wz44xT9bLmK2vRn8sYh3Dc"
    whole = f"So: {text.format(value)}"
    start = whole.index(value)
    for cut in range(start + 1, start + len(value), 3):
        if ask(SNAPSHOT, whole[:cut]).verdict == "allow":
            assert releasable(SNAPSHOT, REQUEST, whole[:cut]) <= start


@given(st.text(min_size=1, max_size=60))
@settings(max_examples=200, deadline=None)
def test_measures_of_any_text_are_in_their_bounds(text: str) -> None:
    """Entropy is that of the characters, a change needs two of them."""
    assert 0 <= entropy(text) <= 6
    assert 0 <= restlessness(text) < 1
    assert placeholder(text) in (True, False)


def test_words_are_calm_and_chance_is_restless() -> None:
    """That is what tells a name in code from a value."""
    names = ("publicKeyTokenProvider", "MAX_RETRY_COUNT_2", "getUserById", "sha256_digest")
    assert not any(map(random_value, names))
    chance = random.Random(5)
    values = ["".join(chance.choices(_LETTERS, k=32)) for _ in range(300)]
    assert sum(map(random_value, values)) >= 297


@pytest.mark.parametrize(
    ("before", "is_command"),
    [
        ("curl -u ada:", True),
        ("curl \\\n  -u ada:", True),
        ("curl https://x.example\n -u ada:", False),
        ("curl \\\n x\n -u ada:", False),
        ("sort\ncurl -u ada:", True),
        ("sort -u ada:", False),
        ("curly -u ada:", False),
        ("curl " + "x" * 400 + " -u ada:", False),
    ],
)
def test_an_option_is_of_the_command_before_it(before: str, is_command: bool) -> None:
    """In its line, or in one that goes on behind a backslash; near enough for a stream."""
    assert assigned._commanded(before, len(before)) is is_command
