from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("gitrepos", "0010_openpgp_keys")]

    operations = [
        migrations.AddField(
            model_name="gitcredential",
            name="client_certificate",
            field=models.TextField(db_default="", default=""),
        ),
        migrations.AddField(
            model_name="gitcredential",
            name="client_key",
            field=models.TextField(db_default="", default=""),
        ),
        migrations.AlterField(
            model_name="gitcredential",
            name="kind",
            field=models.CharField(
                choices=[("token", "Token"), ("basic", "Basic"), ("ssh", "Ssh"), ("tls", "Tls")],
                max_length=5,
            ),
        ),
    ]
