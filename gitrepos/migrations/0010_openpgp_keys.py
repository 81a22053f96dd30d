from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("gitrepos", "0006_bind_secrets")]

    operations = [
        migrations.AddField(
            model_name="link",
            name="allowed_openpgp_keys",
            field=models.TextField(db_default="", default=""),
        ),
    ]
