"""Gates of links: what the tests of a policy must reach and notice."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("gitrepos", "0017_cases_not_run"),
    ]

    operations = [
        migrations.AddField(
            model_name="link",
            name="minimum_coverage",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="link",
            name="minimum_killed",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
    ]
