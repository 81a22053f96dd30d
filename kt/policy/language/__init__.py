"""The language as one set of frozen tables, which lint, schema and the gateway share.

`KINDS["dlp-filter"].fields["action"].default` is how a default is read; `DOCUMENT` is the
whole file. Nothing here may be written to.
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
