"""Changes of what gateways are bound to, as requests ask for them: checked first, then written."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from configurations.requests.kinds import Caller, Kind
from gateways.api.serializers import BindingInput, GatewayEdit
from gateways.registry import bindings, gateways
from keeptrusts.api.errors import FieldError, NotFoundError
from keeptrusts.api.fields import Input, valid


def _bind(target: str, body: Any, caller: Caller) -> Callable[[], object]:
    given = valid(GatewayEdit, body)
    if set(given) != {"configuration_id"}:
        raise FieldError("change", "must be a configuration alone; all else is a gateway.edit")
    return lambda: gateways.edit(target, fields=given, actor=caller.name)


def _edit(target: str, body: Any, caller: Caller) -> Callable[[], object]:
    given = valid(GatewayEdit, body)
    return lambda: gateways.edit(target, fields=given, actor=caller.name)


def _create(target: str, body: Any, _caller: Caller) -> Callable[[], object]:
    given = valid(BindingInput, body)
    if given["configuration_id"] != target:
        raise FieldError("target", "must be the configuration of the change")
    return lambda: bindings.create(target, selector=given["selector"])


def _delete(target: str, body: Any, _caller: Caller) -> Callable[[], object]:
    valid(Input, body)
    try:
        binding_id = UUID(target)
    except ValueError as exc:
        raise NotFoundError("gateway binding with this id") from exc
    return lambda: bindings.delete(binding_id)


KINDS = {
    "gateway.bind": Kind("gateways.bind", _bind),
    "gateway.edit": Kind("gateways.edit", _edit),
    "gateway_binding.create": Kind("gateways.bind", _create),
    "gateway_binding.delete": Kind("gateways.bind", _delete),
}
