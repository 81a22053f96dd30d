"""Secrets that were sealed for the name of their row alone are sealed for where they may go, too."""

import json
import re

import structlog
from django.db import migrations

from keeptrusts.sealing import SealError, seal, unseal

log = structlog.get_logger(__name__)

_PORT = re.compile(":[0-9]+$")


def bind(apps, _editor):
    _name_clear_ports(apps)
    for row, column, name, bound in _sealed(apps):
        seal_again(row, column, name, bound)


def unbind(apps, _editor):
    for row, column, name, bound in _sealed(apps):
        seal_again(row, column, bound, name)


def _sealed(apps):
    for row in apps.get_model("gitrepos", "Remote").objects.exclude(credential="").iterator():
        name = f"remote:{row.pk}"
        yield row, "credential", name, f"{name} {'/'.join(row.url.split('/', 3)[:3])}"
    for row in apps.get_model("gitrepos", "GitCredential").objects.iterator():
        yield row, "secret", f"git-credential:{row.pk}", bound(row)


def bound(row):
    """What a shared credential's secret is bound to."""
    places = json.dumps([row.kind, sorted(row.hosts), row.known_hosts])
    return f"git-credential:{row.pk} {places}"


def seal_again(row, column, before, after):
    try:
        setattr(row, column, seal(unseal(getattr(row, column), row=before), row=after))
    except SealError as exc:
        if not _opens(getattr(row, column), after):
            log.warning("a secret is not taken over", row=str(row.pk), reason=str(exc))
        return
    row.save(update_fields=[column])


def _opens(sealed, row):
    try:
        unseal(sealed, row=row)
    except SealError:
        return False
    return True


def _name_clear_ports(apps):
    """A host without a port no longer means http's: name that of those that are linked so."""
    for row in apps.get_model("gitrepos", "GitCredential").objects.exclude(kind="ssh"):
        urls = row.remotes.filter(url__startswith="http://").values_list("url", flat=True)
        linked = {url.split("/", 3)[2] for url in urls}
        if more := sorted(host for host in linked & set(row.hosts) if not _PORT.search(host)):
            row.hosts = [*row.hosts, *(f"{host}:80" for host in more)]
            row.save(update_fields=["hosts"])


class Migration(migrations.Migration):

    dependencies = [
        ("gitrepos", "0005_preview_requests"),
    ]

    operations = [migrations.RunPython(bind, unbind)]
