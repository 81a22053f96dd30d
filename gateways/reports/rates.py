"""Decisions a minute, by verdict: counted from those that gateways sent."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.db.models.functions import TruncMinute
from django.utils import timezone

from configurations.seen import Seen
from gateways.reports import decisions
from keeptrusts.api import parameters
from keeptrusts.api.parameters import Asked
from kt.policy.language import VERDICTS

_MOST_MINUTES, _MINUTES = 180, 30

_LAST = parameters.whole(
    "minutes", "How many of the last minutes, with the one that goes on.",
    lowest=1, highest=_MOST_MINUTES, default=_MINUTES,
)  # fmt: skip
_CONFIGURATION = parameters.text("configuration", "Decisions about this configuration.")
_GATEWAY = parameters.text("gateway", "Decisions of this gateway.")
PARAMETERS = (_LAST, _CONFIGURATION, _GATEWAY)

Row = Mapping[str, Any]


def rates(asked: Asked, seen: Seen, *, now: datetime | None = None) -> list[Row]:
    """`{"minute", "verdicts"}` for each minute until now, the oldest first.

    `verdicts` has a number for each verdict; a decision whose verdict is none of them is not
    counted. The minute is that of the gateway's time, so gateways that send late change it.
    """
    last = (now or timezone.now()).replace(second=0, microsecond=0)
    first = last - timedelta(minutes=asked[_LAST] - 1)
    chosen = Q(at__gte=first, at__lt=last + timedelta(minutes=1), verdict__in=VERDICTS)
    for parameter in (_CONFIGURATION, _GATEWAY):
        if parameter in asked:
            chosen &= Q(**{parameter.name: asked[parameter]})
    rows = decisions.seen_by(seen).filter(chosen).annotate(minute=TruncMinute("at"))
    counted = rows.values_list("minute", "verdict").annotate(Count("pk")).order_by()
    counts: Counter[tuple[datetime, str]] = Counter()
    for minute, verdict, count in counted:
        counts[minute, verdict] = count
    minutes = (first + timedelta(minutes=number) for number in range(asked[_LAST]))
    return [
        {"minute": minute, "verdicts": {verdict: counts[minute, verdict] for verdict in VERDICTS}}
        for minute in minutes
    ]
