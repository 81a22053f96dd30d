from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('access', '0006_values_of_the_database'),
    ]

    operations = [
        migrations.AddField(
            model_name='token',
            name='given_to',
            field=models.JSONField(db_default=[], default=list),
        ),
    ]
