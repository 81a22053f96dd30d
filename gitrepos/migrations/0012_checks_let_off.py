"""A link's warning: the checks of objects that were let off."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("gitrepos", "0011_client_certificates"),
    ]

    operations = [
        migrations.AddField(
            model_name="link",
            name="let_off",
            field=models.CharField(db_default="", default="", max_length=1000),
        ),
    ]
