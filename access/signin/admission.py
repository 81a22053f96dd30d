"""The order of a sign-in: a provider is asked, answers, and somebody is let in by a rule."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from access import people, sessions, sights, tokens
from access.bearers import Bearer
from access.models import KnownPerson, Session, SignInRule
from access.signin import exchange, idtokens, persons, provider, registry, rules, tickets
from access.signin.refusals import Code, SignInRefusedError
from access.signin.rules import Known
from access.signin.tickets import Ticket
from access.trusts import replays
from events import audit
from keeptrusts.api import acting
from keeptrusts.api.acting import Actor
from keeptrusts.api.printable import printable

START, CALLBACK = "/sign-in/oidc", "/sign-in/oidc/callback"
# Of an answer of the provider's, what is looked at.
_LONGEST = 4096
_MOST_SHOWN = 20
_MOST_OF_TEXT = 100


def begin(next_path: str) -> tuple[str, Ticket]:
    """Begin a sign-in: the url at the provider that a browser goes to, and what it keeps.

    Raises:
        SignInRefusedError: there is no provider, or it does not say where to.
    """
    by = provider.configured()
    where = provider.endpoints(by.issuer).authorization
    ticket = Ticket(by.issuer, by.client_id, next_path)
    query = urlencode(
        {
            "response_type": "code", "client_id": by.client_id, "redirect_uri": _redirect_uri(),
            "scope": " ".join(by.scopes), "state": ticket.state, "nonce": ticket.nonce,
            "code_challenge": ticket.challenge, "code_challenge_method": "S256",
        }
    )  # fmt: skip
    return f"{where}{'&' if '?' in where else '?'}{query}", ticket


def finish(answer: Mapping[str, str], cookie: str, address: str) -> tuple[str, str]:
    """End a sign-in by the provider's answer; returns a session's cookie and the path to go on to.

    A ticket is good for one end, whatever that is.

    Raises:
        SignInRefusedError: it is no answer to what this browser began, or nobody is let in.
    """
    by = provider.configured()
    ticket = tickets.opened(cookie, state=answer.get("state", ""))
    if (ticket.issuer, ticket.client_id) != (by.issuer, by.client_id):
        raise SignInRefusedError(Code.NOT_BEGUN, "it began with another provider")
    if not replays.is_first(f"sign-in {ticket.state}", until=ticket.ends_at):
        raise SignInRefusedError(Code.USED)
    endpoints = provider.endpoints(by.issuer)
    named = answer.get("iss")
    if named != by.issuer and (named is not None or endpoints.names_itself):
        raise SignInRefusedError(Code.WRONG_ISSUER, f"the answer names {named!r}")
    code = _code(answer)
    text = exchange.id_token(
        code, ticket, provider=by, endpoints=endpoints, redirect_uri=_redirect_uri()
    )
    return _let_in(idtokens.verified(text, ticket), ticket, address), ticket.next


def bearer(session: Session, address: str) -> Bearer | None:
    """Who has a session of a person, by the rules as they are now; None where none lets in."""
    person = session.person
    by = settings.ENV.provider
    if person is None or by is None or by.issuer != person.issuer:
        return None
    rule = _met(registry.in_force(person.issuer), session.claims, address)
    return None if rule is None else _bearer(person, rule)


def _redirect_uri() -> str:
    return f"{settings.ENV.public_url}{CALLBACK}"


def _code(answer: Mapping[str, str]) -> str:
    """The code of an answer.

    Raises:
        SignInRefusedError: it is an error, or has none.
    """
    error = answer.get("error")
    if error == "access_denied":
        raise SignInRefusedError(Code.CANCELLED, error)
    code = answer.get("code", "")
    if error is not None or not 0 < len(code) <= _LONGEST:
        raise SignInRefusedError(Code.PROVIDER_REFUSED, f"it answers {str(error)[:80]}")
    return code


def _let_in(claims: Mapping[str, Any], ticket: Ticket, address: str) -> str:
    in_force = registry.in_force(ticket.issuer)
    known = rules.known(claims, in_force)
    rule = _met(in_force, known, address)
    if rule is None:
        raise _refused(claims, in_force, ticket.issuer)
    return sessions.begin_of(persons.noted(ticket.issuer, claims), known, rule=str(rule.pk))


def _met(found: Sequence[SignInRule], by: Known, address: str) -> SignInRule | None:
    """The first rule that somebody meets, from where they are."""
    return next(
        (rule for rule in found if rules.is_met(rule, by) and tokens.is_from(rule, address)), None
    )


def _bearer(person: KnownPerson, rule: SignInRule) -> Bearer:
    name, sight = people.called(person), sights.read(rule.sight)
    return Bearer(people.PERSON, str(person.pk), name, rule.role, sight, rule=str(rule.pk))


def _refused(
    claims: Mapping[str, Any], in_force: Sequence[SignInRule], issuer: str
) -> SignInRefusedError:
    """The refusal of somebody whom no rule lets in, which the audit log has, too."""
    names = ["sub", "email", *sorted({name for rule in in_force for name in rule.claims})]
    seen = {name: _shown(rules.texts(claims, name)) for name in dict.fromkeys(names)}
    name = f"{seen['email'] or seen['sub']} via {issuer}"
    with acting.acting_as(Actor(people.PERSON, name=name)):
        audit.record("session.refused", seen["sub"], after={"issuer": issuer, "claims": seen})
    return SignInRefusedError(Code.NO_RULE, name, seen=seen)


def _shown(texts: frozenset[str]) -> str:
    """Texts of a claim for people: some of them, cut short."""
    some = [printable(one, keeps_lines=False)[:_MOST_OF_TEXT] for one in sorted(texts)]
    left_out = len(some) - _MOST_SHOWN
    more = [f"and {left_out} more"] if left_out > 0 else []
    return ", ".join([*some[:_MOST_SHOWN], *more])
