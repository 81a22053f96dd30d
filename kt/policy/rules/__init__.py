"""The rules of lint, a module for each part of the language.

`RULES_VERSION` changes whenever lint could answer differently for some file: it is a digest of
the source of every module that lint runs on the golden corpus. A test computes it anew and
fails when it differs from the value here; `RENEW=1 pytest tests/kt/policy` writes it.
"""

RULES_VERSION = "30c37e1ee606f41c"
