"""The rule of the second person: who may confirm what. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from access.people import HUMAN, TOKEN, Person

# Why somebody may not confirm, with what helps.
OBJECTIONS: Mapping[str, str] = {
    "not_a_person": "Only the bearer of a token may confirm, and no pipeline; have a person do it.",
    "not_told_apart": (
        "Somebody who signed in by a provider and a token are told apart by their addresses, and"
        " one of the two has none; have an admin send emails to PATCH /v1/tokens/{id}, or the"
        " provider verify the address."
    ),
    "no_verified_address": (
        "Your provider says of no address that it verified it, so you cannot be told from the"
        " commit's author; have somebody else confirm it."
    ),
    "same_token": "Whoever asked cannot confirm; have somebody else do it.",
    "made_by_asker": (
        "Whoever asked made this token or rotated it, or one that did; have somebody confirm whose"
        " token another admin or manage.py create_token made."
    ),
    "same_person": (
        "This token names an address or a key of whoever asked; have somebody else confirm it."
    ),
    "own_commit": (
        "This token, or one that made it, names an address or a key of the commit's author,"
        " committer or signer; have somebody else confirm it."
    ),
    "names_no_address": (
        "This token names no address, so it cannot be told from the commit's author; have another"
        ' admin send {"emails": ["…"]} to PATCH /v1/tokens/{id} of this token, or have one made by'
        " manage.py create_token NAME --email ADDRESS."
    ),
    "names_no_key": (
        "The commit's signer is known by a key alone, and this token names none; have"
        ' another admin send {"signers": ["…"]} to PATCH /v1/tokens/{id} of this token.'
    ),
    "nobody_known": (
        "It cannot be told who made this change in git: one person asks by POST /v1/requests, and"
        " another confirms."
    ),
}


@dataclass(frozen=True, slots=True)
class Committers:
    """The people of a commit: addresses in lower case, and fingerprints of keys.

    `by_key_alone`: its signer has no address. `is_whole`: there are no others that nobody knows of.
    """

    addresses: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    by_key_alone: bool = False
    is_whole: bool = True


def may_confirm(asker: Person | None, confirmer: Person, commit: Committers | None = None) -> str:
    """The objection to a confirmation, a key of `OBJECTIONS`; empty when there is none.

    `asker` is None where a commit alone asks, `commit` where there is none or nobody is known.
    """
    if confirmer.kind not in HUMAN:
        return "not_a_person"
    own = confirmer.addresses | confirmer.keys | confirmer.of_makers
    if asker is not None:
        if (asker.kind, asker.id) == (confirmer.kind, confirmer.id):
            return "same_token"
        if asker.id in confirmer.makers:
            return "made_by_asker"
        if own & (asker.addresses | asker.keys):
            return "same_person"
        is_mixed = {asker.kind, confirmer.kind} == set(HUMAN)
        if is_mixed and not (asker.addresses and confirmer.addresses):
            return "not_told_apart"
    if asker is None and (commit is None or not commit.is_whole):
        return "nobody_known"
    if commit is None:
        return ""
    if not confirmer.addresses:
        return "names_no_address" if confirmer.kind == TOKEN else "no_verified_address"
    if own & (commit.addresses | commit.keys):
        return "own_commit"
    return "names_no_key" if commit.by_key_alone and not confirmer.keys else ""
