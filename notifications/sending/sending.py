"""One attempt: a notification in the form of its endpoint, on its way."""

from collections.abc import Mapping

from django.conf import settings
from django.utils import timezone

from gitrepos.forge.addresses import BadURLError, api_schemes
from keeptrusts.sealing import SealError
from notifications.endpoints import addresses, secrets
from notifications.forms import slack, teams, webhook
from notifications.forms.told import Told, plain
from notifications.models import Endpoint, Notification
from notifications.sending import calls, smtp
from notifications.sending.calls import Call
from notifications.sending.outcomes import Attempt
from notifications.sending.smtp import NoMailError

UNUSABLE = "unusable"
"""The error of an endpoint that cannot be used as it is stored."""
_Form = Endpoint.Form
_BODIES = {_Form.WEBHOOK: webhook.body, _Form.SLACK: slack.body, _Form.TEAMS: teams.body}


async def attempt(endpoint: Endpoint, row: Notification) -> Attempt:
    """Send a notification once, in an event loop: the database is not asked here."""
    try:
        return await _attempt(endpoint, Told(**row.told), row)
    except (SealError, BadURLError, NoMailError) as exc:
        return Attempt(timezone.now(), 0.0, UNUSABLE, None, plain(str(exc)))


async def _attempt(endpoint: Endpoint, told: Told, row: Notification) -> Attempt:
    now = timezone.now()
    if endpoint.form == _Form.MAIL:
        return await smtp.send(told, str(row.id), list(endpoint.recipients), now)
    server, tail = addresses.parse(
        secrets.opened(endpoint, "url"), schemes=api_schemes(settings.ENV.git_schemes)
    )
    body = _BODIES[_Form(endpoint.form)](told)
    headers: Mapping[str, str] = {}
    if endpoint.form == _Form.WEBHOOK:
        signing = secrets.signing(endpoint, now)
        headers = webhook.headers(str(row.id), int(now.timestamp()), body, signing)
    return await calls.post(Call(server, tail, body, headers))
