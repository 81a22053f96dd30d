"""Refusals of sign-ins: each with a code, words for the page, and a status."""

from collections.abc import Mapping
from enum import StrEnum

from access.trusts.refusals import Told


class Code(StrEnum):
    """Codes of refusals, of which the log is told each once a minute."""

    NO_PROVIDER = "no_provider"
    NOT_BEGUN = "sign_in_not_begun"
    USED = "sign_in_used"
    CANCELLED = "sign_in_cancelled"
    PROVIDER_AWAY = "provider_away"
    PROVIDER_REFUSED = "provider_refused"
    WRONG_ISSUER = "wrong_issuer"
    ID_TOKEN_REFUSED = "id_token_refused"  # noqa: S105 - a code
    CLOCKS_DIFFER = "clocks_differ"
    NO_RULE = "no_rule"


# What a page says of each.
WORDS: Mapping[Code, str] = {
    Code.NO_PROVIDER: "Nobody set up a provider here. Sign in with a token.",
    Code.NOT_BEGUN: (
        "This browser did not begin this sign-in, or began it more than ten minutes ago. Begin"
        " again here."
    ),
    Code.USED: "This sign-in was finished once already. Begin again here.",
    Code.CANCELLED: "You cancelled at the provider, or it did not let you go on.",
    Code.PROVIDER_AWAY: (
        "The provider does not answer as it should. Try again in a minute; if it lasts, an operator"
        " finds the cause in the control plane's log."
    ),
    Code.PROVIDER_REFUSED: (
        "The provider refused this sign-in. Begin again; if it lasts, an operator finds the cause"
        " in the control plane's log."
    ),
    Code.WRONG_ISSUER: (
        "The answer is of another provider than the one that was asked. Begin again here, and tell"
        " an operator if this is said again."
    ),
    Code.ID_TOKEN_REFUSED: (
        "What the provider says of you could not be verified. Try again in a minute; if it lasts,"
        " an operator finds the cause in the control plane's log."
    ),
    Code.CLOCKS_DIFFER: (
        "By this machine's clock the provider's answer is not of now. An operator compares the two"
        " clocks; they may be a minute apart."
    ),
    Code.NO_RULE: "No rule lets you in. Ask an admin of this control plane for one.",
}
# What is no failed attempt of an address, as 401 is.
_STATUSES = {Code.NO_PROVIDER: 404, Code.CANCELLED: 403, Code.PROVIDER_AWAY: 503}
_REFUSED = 401


class SignInRefusedError(Exception):
    """A sign-in was refused. `detail` is for the log, `seen` for whoever wanted to sign in."""

    def __init__(self, code: Code, detail: str = "", *, seen: Mapping[str, str] | None = None):
        super().__init__(WORDS[code])
        self.reason = code
        self.detail = detail
        self.seen = dict(seen or {})
        self.status = _STATUSES.get(code, _REFUSED)


TOLD = Told("sign-in refused")
