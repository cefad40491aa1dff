"""How forms of the console look: one field below another, its help and its error beside it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms.renderers import TemplatesSetting


class DayField(forms.DateField):
    """A day, by the calendar that a browser shows for it."""

    def __init__(self, **options: Any) -> None:
        picker = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        super().__init__(**{"widget": picker, **options})


class Renderer(TemplatesSetting):
    """`{{ form }}` and `{{ form.field.as_field_group }}` in the console's clothes."""

    form_template_name = "parts/form.html"
    field_template_name = "parts/field.html"
