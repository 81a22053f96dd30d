"""Imported first by each process of a stack: it finds what users install, and no tool of ours.

structlog would import rich, which only `lint-imports` needs, for a twentieth of each start.
"""

import sys

sys.modules["rich"] = None  # type: ignore[assignment]
