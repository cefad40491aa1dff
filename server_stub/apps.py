"""The service as one Django application."""

from __future__ import annotations

from django.apps import AppConfig


class ServiceConfig(AppConfig):
    """Everything that the service keeps is in tables named after its label."""

    name = "server_stub"
    label = "clafoutis"
    verbose_name = "Clafoutis"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Keep records of what people do to their way in."""
        from server_stub.console.access import records  # noqa: PLC0415 - models are loaded by now

        records.listen()
