"""Creation and removal of selectors, and bindings that follow a rename: the writer of `Binding`."""

from collections.abc import Mapping
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from configurations.publish import publish
from configurations.successors import Followers
from events import audit
from gateways.models import Binding, EnrolmentToken
from gateways.registry import gateways
from keeptrusts.api.errors import ConflictError, NotFoundError

_AUDITED = ("configuration_id", "selector")


def create(configuration_id: str, *, selector: Mapping[str, str]) -> Binding:
    """Bind all gateways with these labels, also those that register later.

    Raises:
        ConflictError: the same binding exists (`already_bound`), or a gateway leaves a
            configuration under four eyes (`second_person_needed`).
    """
    with transaction.atomic():
        seq = publish()
        _check_new(configuration_id, selector)
        row = Binding.objects.create(
            configuration_id=configuration_id, selector=dict(selector), created_at=timezone.now()
        )
        audit.record("gateway_binding.created", row.pk, after=audit.fields(row, _AUDITED))
        gateways.rebind_all(
            seq, kind="gateway_binding.create", target=configuration_id, selector=selector
        )
        return row


def delete(binding_id: UUID) -> Binding:
    """Remove a selector, and bind gateways anew.

    Raises:
        ConflictError: a gateway leaves a configuration under four eyes (`second_person_needed`).
        NotFoundError: there is no such binding.
    """
    with transaction.atomic():
        seq = publish()
        row = Binding.objects.filter(pk=binding_id).first()
        if row is None:
            raise NotFoundError("gateway binding with this id")
        Binding.objects.filter(pk=binding_id).delete()
        audit.record("gateway_binding.deleted", row.pk, before=audit.fields(row, _AUDITED))
        gateways.rebind_all(
            seq, kind="gateway_binding.delete", target=str(binding_id), selector=row.selector
        )
        return row


def follow(before: str, after: str) -> Followers:
    """Bind to `after` all that is bound to `before`: selectors, gateways, enrolment tokens.

    Called in the transaction that renames the configuration.
    """
    seq = publish()
    selectors = Binding.objects.filter(configuration=before)
    tokens = EnrolmentToken.objects.filter(configuration=before)
    count = len(selectors) + len(tokens)
    there = [row.selector for row in Binding.objects.filter(configuration=after)]
    Binding.objects.filter(pk__in=[row.pk for row in selectors if row.selector in there]).delete()
    selectors.update(configuration=after)
    tokens.update(configuration=after)
    return Followers(gateways.move(before, after, seq), count)


def _check_new(configuration_id: str, selector: Mapping[str, str]) -> None:
    # Compared here: databases differ in whether the order of keys counts.
    for row in Binding.objects.filter(configuration_id=configuration_id):
        if row.selector == dict(selector):
            raise ConflictError(
                "already_bound",
                f"The binding {row.pk} has the same selector and configuration.",
                details=[{"id": str(row.pk)}],
            )
