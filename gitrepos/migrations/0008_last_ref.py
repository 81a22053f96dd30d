"""The ref that a link's last commit came from, and the present url of links with what they feed."""

from django.db import migrations, models
from django.db.models import F


def fill(apps, _editor):
    links = apps.get_model("gitrepos", "Link").objects.all()
    # Where the last attempt was held or failed, the last commit may be another branch's.
    well = links.filter(held__isnull=True, error_code__in=["", "no_policy_files"])
    applied = well.filter(observed_generation=F("generation")).exclude(last_commit="")
    for link in applied.iterator():
        ref = f"refs/heads/{link.branch}" if link.branch else "HEAD"
        links.filter(pk=link.pk).update(last_url=link.url, last_ref=ref)
    fed = apps.get_model("configurations", "Configuration").objects
    for pk, url in links.values_list("pk", "url").iterator():
        fed.filter(owner=str(pk)).exclude(origin_url=url).update(origin_url=url)


class Migration(migrations.Migration):

    dependencies = [
        ("configurations", "0003_orphaned_at"),
        ("gitrepos", "0007_remember_refusals"),
    ]

    operations = [
        migrations.AddField(
            model_name="link",
            name="last_url",
            field=models.CharField(db_default="", default="", max_length=2000),
        ),
        migrations.AddField(
            model_name="link",
            name="last_ref",
            field=models.CharField(db_default="", default="", max_length=300),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
