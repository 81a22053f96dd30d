"""A host with a port no longer means http's: name that of those that are linked so."""

from importlib import import_module

from django.db import migrations

bind_secrets = import_module("gitrepos.migrations.0006_bind_secrets")


def name_plain(apps, _editor):
    for row in apps.get_model("gitrepos", "GitCredential").objects.exclude(kind="ssh"):
        urls = row.remotes.filter(url__startswith="http://").values_list("url", flat=True)
        linked = {url.split("/", 3)[2] for url in urls}
        kept = linked & {host.removesuffix(":80") for host in row.hosts}
        if more := sorted({f"http://{host}" for host in kept} - set(row.hosts)):
            before = bind_secrets.bound(row)
            row.hosts = [*row.hosts, *more]
            row.save(update_fields=["hosts"])
            bind_secrets.seal_again(row, "secret", before, bind_secrets.bound(row))


class Migration(migrations.Migration):

    dependencies = [
        ("gitrepos", "0008_last_ref"),
    ]

    operations = [migrations.RunPython(name_plain, migrations.RunPython.noop)]
