"""Links follow tags, commits and ranges of versions."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("gitrepos", "0012_checks_let_off"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="link",
            name="link_identity",
        ),
        migrations.AddField(
            model_name="link",
            name="commit",
            field=models.CharField(db_default="", default="", max_length=64),
        ),
        migrations.AddField(
            model_name="link",
            name="semver",
            field=models.CharField(db_default="", default="", max_length=200),
        ),
        migrations.AddField(
            model_name="link",
            name="settled",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="link",
            name="tag",
            field=models.CharField(db_default="", default="", max_length=250),
        ),
        migrations.AddConstraint(
            model_name="link",
            constraint=models.UniqueConstraint(
                fields=("url", "branch", "tag", "commit", "semver", "root"), name="link_identity"
            ),
        ),
    ]
