"""The only writer of selectors."""

from collections.abc import Mapping
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from configurations.publish import publish
from gateways.models import Binding
from gateways.registry import gateways
from keeptrusts.api.errors import ConflictError, NotFoundError


def create(configuration_id: str, *, selector: Mapping[str, str]) -> Binding:
    """Bind the gateways with these labels, those that come later too.

    Raises: `ConflictError` (`already_bound`) where the same is said already.
    """
    with transaction.atomic():
        seq = publish()
        _check_new(configuration_id, selector)
        row = Binding.objects.create(
            configuration_id=configuration_id, selector=dict(selector), created_at=timezone.now()
        )
        gateways.rebind_all(seq)
        return row


def delete(binding_id: UUID) -> Binding:
    """Bind by this selector no more.

    Raises: `NotFoundError`.
    """
    with transaction.atomic():
        seq = publish()
        row = Binding.objects.filter(pk=binding_id).first()
        if row is None:
            raise NotFoundError("gateway binding with this id")
        Binding.objects.filter(pk=binding_id).delete()
        gateways.rebind_all(seq)
        return row


def _check_new(configuration_id: str, selector: Mapping[str, str]) -> None:
    # Compared here: databases differ in whether the order of keys counts.
    for row in Binding.objects.filter(configuration_id=configuration_id):
        if row.selector == dict(selector):
            raise ConflictError(
                "already_bound",
                f"The binding {row.pk} says the same already.",
                details=[{"id": str(row.pk)}],
            )
