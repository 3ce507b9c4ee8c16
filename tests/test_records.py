"""The list of a run's fields, and the exceptions named with it."""

from dataclasses import fields

import pytest

from mnist_core import records
from mnist_core.records import Progress, Results, Run

FIELDS = {field.name for record in (Run, Progress, Results) for field in fields(record)}


@pytest.mark.parametrize(
    "exceptions",
    [
        records.NOT_ARCHIVED,
        records.NOT_IN_TABLES,
        records.NOT_IN_TERMINAL,
        records.NOT_IN_BROWSER,
        records.DETAIL_LABELS.keys(),
    ],
)
def test_exceptions_name_fields_of_a_run(exceptions: frozenset[str]) -> None:
    assert exceptions <= FIELDS


def test_no_two_fields_of_a_run_share_a_name() -> None:
    names = [field.name for record in (Run, Progress, Results) for field in fields(record)]
    assert len(names) == len(set(names))
