"""What the caisse tells everybody, counted once a day."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("clafoutis", "0021_import")]

    operations = [
        migrations.CreateModel(
            name="PublicFigures",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("only", models.BooleanField(default=True, unique=True)),
                ("day", models.DateField()),
                ("content", models.JSONField()),
            ],
        ),
        migrations.AddConstraint(
            model_name="publicfigures",
            constraint=models.CheckConstraint(condition=models.Q(("only", True)), name="public_figures_are_the_only_ones"),
        ),
    ]
