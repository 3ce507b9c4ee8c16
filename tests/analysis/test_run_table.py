"""The columns of a run and their heads."""

from mnist_core.analysis.run_table import column_heads, find_column, flat_row
from mnist_core.store import RunStore
from tests.support.factories import finished_run


def test_each_column_has_a_head_of_its_own_with_its_unit(store: RunStore) -> None:
    heads = [column_heads()[name] for name in flat_row(finished_run(store))]
    assert len(set(heads)) == len(heads)
    assert {"Speed (img/s)", "Duration (s)", "Train loss (last batch)", "Batch size (images)", "Ended (UTC)"} <= {
        *heads
    }


def test_a_column_is_found_by_its_name_its_head_and_without_the_unit(store: RunStore) -> None:
    row = flat_row(finished_run(store))
    for text in ("examples_per_second", "Speed (img/s)", "speed"):
        assert find_column(text, row) == "examples_per_second"
    assert find_column("dataset", row) == "dataset"
    assert find_column("beauty", row) is None
