"""Configurations that the bearer of a request sees: the one place that turns a sight into rows."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from access.authentication import NARROWED, bearer
from access.sights import FILTERED, Sight
from configurations.models import Configuration
from keeptrusts.api.errors import NotFoundError
from keeptrusts.api.views import View


@dataclass(frozen=True, slots=True)
class Seen:
    """Ids of configurations that are seen; all of them without a `sight`.

    An id that a glob matches is seen also while there is no such configuration. `labelled` are
    those that there are with the labels of the sight.
    """

    sight: Sight | None = None
    labelled: frozenset[str] = frozenset()

    @property
    def is_narrowed(self) -> bool:
        """Whether some configurations are not seen."""
        return self.sight is not None

    def __contains__(self, configuration_id: object) -> bool:
        if self.sight is None:
            return True
        named = isinstance(configuration_id, str) and self.sight.names(configuration_id)
        return named or configuration_id in self.labelled

    def where(self, column: str = "pk") -> Q:
        """The rows whose `column` is an id that is seen; one without an id is not."""
        if self.sight is None:
            return Q()
        named = Q(**{f"{column}__regex": self.sight.pattern}) & ~Q(**{column: ""})
        return named | Q(**{f"{column}__in": self.labelled}) if self.labelled else named

    def check_new(self, configuration_id: str) -> None:
        """Refuse an id that would not be seen, whether or not it is taken.

        Raises:
            PermissionDenied: no glob matches it (`narrowed`).
        """
        if self.sight is not None and not self.sight.names(configuration_id):
            raise PermissionDenied(NARROWED, code="narrowed")

    def check_labels(self, configuration_id: str, labels: dict[str, str]) -> None:
        """Refuse labels that would take a configuration out of sight.

        Raises:
            PermissionDenied: they would (`narrowed`).
        """
        if self.sight is not None and not self.sight.sees(configuration_id, labels):
            message = "These labels would take it out of what this token sees."
            raise PermissionDenied(message, code="narrowed")


ALL = Seen()


def by(sight: Sight | None) -> Seen:
    """The configurations that are seen now; a query where labels are asked for."""
    if sight is None:
        return ALL
    rows = Configuration.objects.values_list("pk", "labels") if sight.labels else ()
    return Seen(sight, frozenset(pk for pk, labels in rows if sight.selects(labels)))


def of(request: Request) -> Seen:
    """The configurations that the bearer of a request sees."""
    return by(bearer(request).sight)


def check(request: Request, configuration_id: str) -> None:
    """Check that the bearer of a request sees a configuration.

    Raises:
        NotFoundError: it is not seen, or not there.
    """
    sight = bearer(request).sight
    if sight is None:
        return
    rows = Configuration.objects.filter(pk=configuration_id).values_list("labels", flat=True)
    labels = rows.first()
    if labels is None or not sight.sees(configuration_id, labels):
        raise NotFoundError(f"configuration {configuration_id!r}")


class ConfigurationView(View):
    """A view of one configuration, which is not there for whoever does not see it."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.narrowing_of(request) == FILTERED:
            check(request, kwargs["configuration_id"])
