"""A link's warning: tests in its files that need a model which is not there."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("gitrepos", "0016_values_of_the_database"),
    ]

    operations = [
        migrations.AddField(
            model_name="link",
            name="cases_not_run",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
    ]
