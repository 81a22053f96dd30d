"""The policy language as frozen tables, which lint, schema and the gateway share.

`DOCUMENT` is the whole file; `KINDS["dlp-filter"].fields["action"].default` is a default.
All tables are read-only.
"""

from kt.policy.language.document import CHAIN_OPTIONS, DOCUMENT, PACK, WHEN
from kt.policy.language.kinds import (
    KINDS,
    PII_ENTITIES,
    POST_RESPONSE,
    PRE_REQUEST,
    SENSITIVITIES,
    STAGES,
    UNSUPPORTED_KINDS,
    Kind,
)
from kt.policy.language.providers import BUILT_IN_PROVIDERS, TARGET
from kt.policy.language.testing import VERDICTS

__all__ = [
    "BUILT_IN_PROVIDERS",
    "CHAIN_OPTIONS",
    "DOCUMENT",
    "KINDS",
    "PACK",
    "PII_ENTITIES",
    "POST_RESPONSE",
    "PRE_REQUEST",
    "SENSITIVITIES",
    "STAGES",
    "TARGET",
    "UNSUPPORTED_KINDS",
    "VERDICTS",
    "WHEN",
    "Kind",
]
