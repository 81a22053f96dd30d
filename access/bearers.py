"""The bearer of a request: who asks, by whatever credential, and in which role. Pure."""

from dataclasses import dataclass

from access import roles
from access.sights import Sight


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who asks, by a credential that is valid now.

    `kind` is `token`, `trust` or `person`; `id` is that of the credential or person, and `name` is
    what people call it. Without a `sight` all configurations are seen. `rule` is the id of the rule
    that lets a person in.
    """

    kind: str
    id: str
    name: str
    role: str
    sight: Sight | None = None
    rule: str = ""

    def may(self, action: str) -> bool:
        """Whether the role may do something that `access.roles` names."""
        return roles.may(self.role, action)
