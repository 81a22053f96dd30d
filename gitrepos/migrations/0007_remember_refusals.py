"""A remote remembers when it last paused its credential."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("gitrepos", "0006_bind_secrets"),
    ]

    operations = [
        migrations.AddField(
            model_name="remote",
            name="refused_at",
            field=models.DateTimeField(null=True),
        ),
    ]
