from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("gitrepos", "0009_name_plain_http")]

    operations = [
        migrations.AddField(
            model_name="link",
            name="allowed_openpgp_keys",
            field=models.TextField(db_default="", default=""),
        ),
    ]
