"""How forms of the console look: one field below another, its help and its error beside it."""

from __future__ import annotations

from django.forms.renderers import TemplatesSetting


class Renderer(TemplatesSetting):
    """`{{ form }}` and `{{ form.field.as_field_group }}` in the console's clothes."""

    form_template_name = "parts/form.html"
    field_template_name = "parts/field.html"
