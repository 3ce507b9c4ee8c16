"""Keeps, changes and deletes drawings."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, Row, delete, func, insert, select, update

from mnist_core.annotations import validate_name
from mnist_core.errors import DrawingError
from mnist_core.records import MAX_DRAWINGS, KeptDrawing
from mnist_core.store.schema import drawings
from mnist_core.store.sql import DATABASE_CLOCK


class KeptDrawings:
    """The kept drawings of a store. Anyone may call these methods."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list_drawings(self) -> list[KeptDrawing]:
        """Return all drawings, oldest first."""
        with self._engine.execution_options(read_only=True).connect() as connection, connection.begin():
            return [_from_row(row) for row in connection.execute(select(drawings).order_by(drawings.c.id))]

    def keep(self, drawing: KeptDrawing) -> KeptDrawing:
        """Add a drawing and return it with its id.

        Raises `ConfigError` for an unacceptable name, and `DrawingError` if there are too many.
        """
        values = {"image": drawing.image, "label": drawing.label, "name": validate_name(drawing.name)}
        with self._engine.begin() as connection:
            count = connection.execute(select(func.count()).select_from(drawings)).scalar_one()
            if count >= MAX_DRAWINGS:
                raise DrawingError(f"{MAX_DRAWINGS} drawings are kept, which is the most. Delete some of them first.")
            row = insert(drawings).values(**values, created_at=DATABASE_CLOCK).returning(drawings)
            return _from_row(connection.execute(row).one())

    def edit(self, drawing: KeptDrawing) -> None:
        """Change the name and the digit of the drawing with this id; one that has been deleted stays so.

        Raises `ConfigError` for an unacceptable name.
        """
        values = {"name": validate_name(drawing.name), "label": drawing.label}
        with self._engine.begin() as connection:
            connection.execute(update(drawings).where(drawings.c.id == drawing.id).values(**values))

    def delete(self, drawing_id: int) -> None:
        """Delete a drawing, and what the runs read on it."""
        with self._engine.begin() as connection:
            connection.execute(delete(drawings).where(drawings.c.id == drawing_id))


def _from_row(row: Row[Any]) -> KeptDrawing:
    return KeptDrawing(row.image, row.label, row.name, row.id)
