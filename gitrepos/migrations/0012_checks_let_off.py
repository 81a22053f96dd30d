from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('gitrepos', '0006_bind_secrets'),
    ]

    operations = [
        migrations.AddField(
            model_name='link',
            name='let_off',
            field=models.CharField(db_default='', default='', max_length=1000),
        ),
    ]
