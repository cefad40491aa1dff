"""Many rows in one statement, at the driver's price and not at an object mapper's.

A delivery writes a handful of tables with hundreds of rows each; what Django spends on preparing
a row's columns one by one is several times what the database spends on keeping it. The columns
are the model's, and so are the conversions where a column needs one.
"""

# ruff: noqa: SLF001 - `_meta` is Django's documented way to a model's columns

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeVar

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import DateTimeField, Field, JSONField, Model, Q, QuerySet
from django.db.models.base import ModelState

from cardkit.errors import must

M = TypeVar("M", bound=Model)
Convert = Callable[[Any], Any]

_CLOSE: Final = 4
"""Times as many numbers may lie between bounds as are asked for."""


def made(model: type[M], **values: Any) -> M:
    """Return a new row of these values and of defaults for the others.

    The model's own constructor looks at every column by itself, a few microseconds for each; this
    one takes columns by their names (`card_id`), and relations with what they lead to (`card`).
    """
    shape = _shape(model)
    must(values.keys() <= shape.names, "a row has columns of its model only")
    row = model.__new__(model)
    row._state = ModelState()
    columns = row.__dict__
    columns.update(shape.defaults)
    for name, default in shape.fresh.items():
        columns[name] = default()
    for name in values.keys() & shape.relations.keys():
        other = values.pop(name)
        row._state.fields_cache[name] = other
        columns[shape.relations[name]] = None if other is None else other.pk
    columns.update(values)
    return row


def insert(manager: QuerySet[M], rows: Iterable[M], *, once: bool = False) -> None:
    """Insert new rows and give them their ids; `once` passes over those that are there already.

    With `once` no ids are given: which rows were new is not known. Only under `Caisse.alone`.
    """
    made = list(rows)
    if not made:
        return
    connection, model = connections[manager.db], manager.model
    fields = [field for field in model._meta.concrete_fields if not (once and field.primary_key)]
    if not once:
        for row, number in zip(made, _numbers(connection, model, len(made)), strict=True):
            row.pk = number
    names = ", ".join(f'"{field.column}"' for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    conflict = " ON CONFLICT DO NOTHING" if once else ""
    table = model._meta.db_table
    statement = f'INSERT INTO "{table}" ({names}) VALUES ({marks}){conflict}'  # noqa: S608 - ours
    with connection.cursor() as cursor:
        cursor.executemany(statement, _values(connection, fields, made))
    for row in made:
        row._state.adding, row._state.db = False, connection.alias


def insert_values(
    manager: QuerySet[M], columns: Sequence[str], values: Sequence[tuple[int | str, ...]]
) -> None:
    """Insert rows whose columns are numbers and texts, and that nobody needs as objects."""
    if not values:
        return
    names = ", ".join(f'"{column}"' for column in columns)
    marks = ", ".join(["%s"] * len(columns))
    table = manager.model._meta.db_table
    statement = f'INSERT INTO "{table}" ({names}) VALUES ({marks})'  # noqa: S608 - ours
    with connections[manager.db].cursor() as cursor:
        cursor.executemany(statement, values)


def update(manager: QuerySet[M], rows: Sequence[M], names: Sequence[str]) -> None:
    """Write some fields of rows that exist."""
    if not rows:
        return
    connection, model = connections[manager.db], manager.model
    fields: list[Field[Any, Any]] = [model._meta.get_field(name) for name in names]  # type: ignore[misc]  # columns, no relations from elsewhere
    primary = model._meta.pk
    columns = ", ".join(f'"{field.column}" = %s' for field in fields)
    table = model._meta.db_table
    statement = f'UPDATE "{table}" SET {columns} WHERE "{primary.column}" = %s'  # noqa: S608 - ours
    with connection.cursor() as cursor:
        cursor.executemany(statement, _values(connection, [*fields, primary], rows))


def among(name: str, numbers: Collection[int]) -> Q:
    """Return a condition that holds for these numbers, and for others where they lie close.

    The numbers of a delivery follow each other: two bounds are read faster than five hundred
    values. Whoever asks looks again at what comes back.
    """
    if numbers and max(numbers) - min(numbers) <= _CLOSE * len(numbers):
        return Q(**{f"{name}__gte": min(numbers), f"{name}__lte": max(numbers)})
    return Q(**{f"{name}__in": set(numbers)})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """What a row of a model is before anything is said of it."""

    names: frozenset[str]
    """Of columns and of relations."""
    relations: Mapping[str, str]
    """The column of each."""
    defaults: Mapping[str, Any]
    fresh: Mapping[str, Callable[[], Any]]
    """Defaults that are made anew for each row."""


@cache
def _shape(model: type[Model]) -> _Shape:
    fields = model._meta.concrete_fields
    fresh = {
        field.attname: field.default
        for field in fields
        if field.has_default() and callable(field.default)
    }
    relations = {field.name: field.attname for field in fields if field.name != field.attname}
    return _Shape(
        names=frozenset({field.attname for field in fields} | relations.keys()),
        relations=relations,
        defaults={
            field.attname: field.get_default() for field in fields if field.attname not in fresh
        },
        fresh=fresh,
    )


def _numbers(connection: BaseDatabaseWrapper, model: type[Model], count: int) -> list[int]:
    """Reserve ids: of PostgreSQL's sequence, or of SQLite's, whose one writer we are."""
    table, column = model._meta.db_table, model._meta.pk.column
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
                [table, column, count],
            )
            return [number for (number,) in cursor.fetchall()]
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        last = cursor.fetchone()
    first = (last[0] if last else 0) + 1
    return list(range(first, first + count))


def _values(
    connection: BaseDatabaseWrapper, fields: Sequence[Field[Any, Any]], rows: Iterable[Model]
) -> list[tuple[Any, ...]]:
    columns = [(field.attname, _conversion(connection, field)) for field in fields]
    return [
        tuple(
            getattr(row, name) if convert is None else convert(getattr(row, name))
            for name, convert in columns
        )
        for row in rows
    ]


def _conversion(connection: BaseDatabaseWrapper, field: Field[Any, Any]) -> Convert | None:
    """Numbers, texts, bytes and flags go as they are; times and JSON as Django writes them."""
    if isinstance(field, JSONField):
        return lambda value: field.get_db_prep_save(value, connection)
    if isinstance(field, DateTimeField):  # the rows of a delivery have few moments between them
        return cache(lambda moment: field.get_db_prep_save(moment, connection))
    return None
