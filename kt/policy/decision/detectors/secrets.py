"""Rules for credentials in well-known formats.

Prefixes and lengths are those that the issuers document, so that a key differs
from a random string without measuring entropy.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator

from kt.policy.decision.matching.context import apart
from kt.policy.decision.matching.patterns import PatternRule, Spans
from kt.policy.decision.reading.views import View

VIEWS = (View.RAW, View.SIGNS, View.PLAIN)

# name → pattern; a group, where there is one, is the secret itself.
_TOKENS = {
    "aws_access_key": r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}",
    "google_api_key": r"AIza[0-9A-Za-z_\-]{35}",
    "google_oauth_secret": r"GOCSPX-[A-Za-z0-9_\-]{28}",
    "google_oauth_token": r"ya29\.[0-9A-Za-z_\-]{20,}",
    "github_token": r"gh[pousr]_[A-Za-z0-9]{36,}",
    "github_fine_grained_token": r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}",
    "gitlab_token": r"gl(?:pat|ptt|dt|rt|cbt|ft|soat|agent)-[A-Za-z0-9_\-]{20,}",
    "atlassian_token": r"ATATT3[A-Za-z0-9_\-=]{50,}",
    "bitbucket_token": r"ATBB[A-Za-z0-9]{32}",
    "slack_token": r"xox[abeoprs]-[A-Za-z0-9\-]{20,}",
    "slack_app_token": r"xapp-\d-[A-Za-z0-9\-]{20,}",
    "slack_webhook": r"hooks\.slack\.com/services/T[A-Z0-9]+/B[A-Z0-9]+/([A-Za-z0-9]{20,})",
    "stripe_key": r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,}",
    "stripe_webhook_secret": r"whsec_[A-Za-z0-9+/=]{32,}",
    "anthropic_key": r"sk-ant-[a-z0-9]{2,10}-[A-Za-z0-9_\-]{20,}",
    "openai_key": r"sk-(?:proj|svcacct|admin)-[A-Za-z0-9_\-]{20,}",
    "openai_legacy_key": r"sk-[A-Za-z0-9]{48}",
    "huggingface_token": r"hf_[A-Za-z0-9]{34}",
    "npm_token": r"npm_[A-Za-z0-9]{36}",
    "pypi_token": r"pypi-AgE[A-Za-z0-9_\-]{50,}",
    "sendgrid_key": r"SG\.[A-Za-z0-9_\-]{22}\.[A-Za-z0-9_\-]{43}",
    "digitalocean_token": r"do[opr]_v1_[a-f0-9]{64}",
    "shopify_token": r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}",
    "vault_token": r"hv[sb]\.[A-Za-z0-9_\-]{24,}",
    "databricks_token": r"dapi[a-f0-9]{32}",
    "telegram_bot_token": r"\d{8,10}:AA[A-Za-z0-9_\-]{33}",
    "twilio_key": r"SK[0-9a-f]{32}",
}

_AZURE = r"(?i:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{86}==|[A-Za-z0-9+/]{43}=)"
_AWS_PAIR = (
    r"(?i:aws|secret)(?i:[\w.\- ]{0,24}key)[\w.\- ]{0,8}[\"']?\s{0,3}(?:=>|:=|=|:)\s{0,3}[\"']?"
    r"([A-Za-z0-9/+]{40})"
)
_URL_CREDENTIAL = r"[a-z][a-z0-9+.\-]{1,20}://[^\s:/@\"'<>]{1,64}:([^\s@/\"'<>]{3,128})@[\w.\-]+"
_JWT = r"eyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{4,}\.[A-Za-z0-9_\-]{8,}"
# Without its last line a key runs to the end of the text: what was cut off is still a key.
_PRIVATE_KEY = (
    r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----"
    r"(?:.*?-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----|.*)"
)
# A stream waits for the last line, and no longer: between the two is anything but `-----END`.
_PRIVATE_KEY_BEGUN = (
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----"
    r"(?:[^\-]|-{1,4}[^\-]|-+(?:[^\-E]|E[^N]|EN[^D]))*"
    r"-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----"
)

_PLACEHOLDER_WORDS = "password passwd pass pwd secret token changeme example"
_PLACEHOLDERS = frozenset(_PLACEHOLDER_WORDS.split())


def rules() -> Iterator[PatternRule]:
    """The built-in rules of `dlp-filter`."""
    for name, pattern in _TOKENS.items():
        group = int("/(" in pattern)
        yield PatternRule(name, name, pattern, VIEWS, _token, group)
    yield PatternRule("azure_key", "azure_key", _AZURE, VIEWS, group=1)
    yield PatternRule("aws_secret_key", "aws_secret_key", _AWS_PAIR, VIEWS, _token, 1)
    yield PatternRule("url_password", "url_password", _URL_CREDENTIAL, VIEWS, _password, 1)
    yield PatternRule("jwt", "jwt", _JWT, VIEWS, _jwt)
    yield PatternRule("private_key", "private_key", _PRIVATE_KEY, VIEWS, begun=_PRIVATE_KEY_BEGUN)


def _token(text: str, start: int, end: int) -> Spans:
    """A token that is a word of its own; `monkey_test_…` holds no `key_test_…`.

    With an underscore and more behind it, it is a longer name; in `__token__` it is emphasised.
    """
    before, after = text[max(0, start - 2) : start], text[end : end + 4]
    hyphened = before[1:] == "-" and before[0].isalnum()
    longer = after[:1] == "_" and after.lstrip("_")[:1].isalnum()
    whole = apart(text, start, end) and not (hyphened or longer)
    return ((start, end),) if whole else ()


def _password(text: str, start: int, end: int) -> Spans:
    """A password, and no placeholder as documentation has them."""
    password = text[start:end]
    placeholder = password.lower() in _PLACEHOLDERS or (
        password[0] in "$*{%[x." and password[-1] in "*}%]x."
    )
    return () if placeholder else ((start, end),)


def _jwt(text: str, start: int, end: int) -> Spans:
    """A JSON Web Token: its header is a JSON object that names its algorithm (RFC 7515)."""
    header = text[start:end].partition(".")[0]
    try:
        fields = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    except (binascii.Error, ValueError):
        return ()
    return _token(text, start, end) if isinstance(fields, dict) and "alg" in fields else ()
