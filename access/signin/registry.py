"""Making, editing and deleting rules of sign-in: the only writer of `SignInRule`."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from access import tokens
from access.models import SignInRule, Token
from access.signin import forms
from access.trusts import registry as trusts
from events import audit
from keeptrusts import counters
from keeptrusts.api.errors import ConflictError, NotFoundError

_AUDITED = (*forms.FIELDS, "made_by_id")
# What takes nothing and nobody in.
_HARMLESS = frozenset({"name", "enabled"})


def create(fields: Mapping[str, Any], *, maker: Token) -> SignInRule:
    """Make a rule, which gives no more than its maker has.

    Raises:
        ConflictError: its name is taken (`name_taken`).
        FieldError: it would, or tells nobody from others.
    """
    fields = forms.stored(fields)
    forms.check(fields, http="http" in settings.ENV.git_schemes)
    with transaction.atomic():
        counters.bump(tokens.COUNTER)
        _check_name(fields["name"])
        fields = {**fields, "expires_at": tokens.expiry(fields["expires_at"], maker)}
        tokens.check_gives(fields, maker)
        rule = SignInRule.objects.create(made_by=maker, created_at=timezone.now(), **fields)
        audit.record("sign_in_rule.created", rule.pk, after=audit.fields(rule, _AUDITED))
        return rule


def edit(rule_id: UUID, fields: Mapping[str, Any], *, editor: Token) -> SignInRule:
    """Change a rule, for sessions that it let in as well.

    Raises:
        ConflictError: its new name is taken (`name_taken`).
        FieldError: it would give more than its editor has, or tell nobody from others.
        NotFoundError: no rule has this id.
    """
    with transaction.atomic():
        rule = _locked(rule_id)
        before = audit.fields(rule, _AUDITED)
        after = {name: getattr(rule, name) for name in forms.FIELDS} | forms.stored(fields)
        forms.check(after, http="http" in settings.ENV.git_schemes)
        if after["name"] != rule.name:
            _check_name(after["name"])
        if "expires_at" in fields:
            after["expires_at"] = tokens.expiry(fields["expires_at"], editor)
        if fields.keys() - _HARMLESS or fields.get("enabled") is True:
            tokens.check_gives(after, editor)
        for name, value in after.items():
            setattr(rule, name, value)
        rule.save()
        now = audit.fields(rule, _AUDITED)
        audit.record("sign_in_rule.edited", rule.pk, before=before, after=now)
        return rule


def delete(rule_id: UUID) -> None:
    """Delete a rule: whom it alone let in is signed in no more.

    Raises:
        NotFoundError: no rule has this id.
    """
    with transaction.atomic():
        _delete(_locked(rule_id))


def revoke_line(token_id: UUID) -> Token:
    """Revoke a token and all that it made, and delete the trusts and rules that any of these made.

    Raises:
        NotFoundError: no token has this id.
    """
    with transaction.atomic():
        token = trusts.revoke_line(token_id)
        makers = [token_id, *(one.pk for one in tokens.descendants(token_id))]
        for rule in SignInRule.objects.filter(made_by__in=makers).order_by("created_at", "id"):
            _delete(rule)
        return token


def in_force(issuer: str) -> list[SignInRule]:
    """The rules for people of an issuer, in the order in which they count."""
    is_now = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    rules = SignInRule.objects.filter(is_now, issuer=issuer, enabled=True)
    return list(rules.order_by("position", "created_at", "id"))


def _check_name(name: str) -> None:
    """Check that no rule has a name, behind the lock of the counter.

    By names `kt apply` knows rules. Some of before may have one; they keep it.
    """
    if SignInRule.objects.filter(name=name).exists():
        raise ConflictError("name_taken", f"There is a rule of sign-in {name!r}.")


def _locked(rule_id: UUID) -> SignInRule:
    counters.bump(tokens.COUNTER)
    rule = SignInRule.objects.select_for_update(of=("self",)).filter(pk=rule_id).first()
    if rule is None:
        raise NotFoundError("sign-in rule with this id")
    return rule


def _delete(rule: SignInRule) -> None:
    audit.record("sign_in_rule.deleted", rule.pk, before=audit.fields(rule, _AUDITED))
    rule.delete()
