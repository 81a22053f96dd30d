"""The model of a link is called `Link`; its table and the columns that name it stay as they are."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("gitrepos", "0002_refused_files")]

    # A release that still runs beside this one knows the tables by their old names.
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterModelTable("gitrepo", "gitrepos_gitrepo"),
                migrations.RenameModel("GitRepo", "Link"),
                migrations.RemoveConstraint("linkedfile", "file_identity"),
                migrations.RemoveIndex("linkedfile", "file_refused"),
                migrations.RemoveIndex("syncrun", "run_history"),
                migrations.RenameField("linkedfile", "repo", "link"),
                migrations.RenameField("syncrun", "repo", "link"),
                migrations.AlterField(
                    "linkedfile",
                    "link",
                    models.ForeignKey(
                        db_column="repo_id",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="files",
                        to="gitrepos.link",
                    ),
                ),
                migrations.AlterField(
                    "syncrun",
                    "link",
                    models.ForeignKey(
                        db_column="repo_id",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="runs",
                        to="gitrepos.link",
                    ),
                ),
                migrations.AddConstraint(
                    "linkedfile",
                    models.UniqueConstraint(
                        fields=("link", "path", "configuration"), name="file_identity"
                    ),
                ),
                migrations.AddIndex(
                    "linkedfile",
                    models.Index(
                        condition=models.Q(
                            ("outcome__in", ["quarantined", "unlinked", "conflict"])
                        ),
                        fields=["link"],
                        name="file_refused",
                    ),
                ),
                migrations.AddIndex(
                    "syncrun", models.Index(fields=["link", "-id"], name="run_history")
                ),
            ]
        )
    ]
