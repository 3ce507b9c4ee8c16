"""The form that continues a run that early stopping has ended, or that it has not."""

from streamlit.testing.v1 import AppTest

from mnist_core.config import TrainConfig
from mnist_core.records import FileKind, Progress, RunStatus
from mnist_core.store import RunStore
from tests.support.files.run_files import give_checkpoint
from tests.support.web.page_driver import active_run, click, labels, open_page, says

PLANNED = "Continue to the planned end"


def test_a_run_that_stopped_early_goes_on_from_its_best_weights_without_patience(app: AppTest, store: RunStore) -> None:
    config = TrainConfig(patience=4, lr=0.02)
    run = active_run(store, config=config)
    store.trainer_writes.finish_run(run, RunStatus.COMPLETED, "Stopped at step 412.", lost_patience=True)
    give_checkpoint(store, run, 200)
    open_page(app)
    assert says(app, "A new run that goes on from the best weights of run-1")
    click(app, PLANNED)
    more = store.queries.get_run(2)
    assert (more.parent_step, more.config.patience, more.config.epochs, more.config.lr) == (200, 0, 3, 0.02)


def test_a_run_that_has_trained_to_its_end_is_only_continued_for_more_epochs(app: AppTest, store: RunStore) -> None:
    run = active_run(store, config=TrainConfig(patience=4))
    give_checkpoint(store, run, 200, FileKind.BEST)
    store.trainer_writes.append_steps(run, Progress(step=2532, epoch=3, loss=0.1, accuracy=0.9))
    store.trainer_writes.finish_run(run, RunStatus.COMPLETED, "Trained to the end.")
    open_page(app)
    assert says(app, "A new run that goes on where run-1 ended")
    assert PLANNED not in labels(app)
    click(app, "Continue for 1 more epoch")
    assert (store.queries.get_run(2).config.patience, store.queries.get_run(2).config.epochs) == (4, 4)


def test_a_run_whose_patience_ran_out_at_its_last_step_goes_on_without_patience(app: AppTest, store: RunStore) -> None:
    run = active_run(store, config=TrainConfig(patience=4))
    give_checkpoint(store, run, 200, FileKind.BEST)
    store.trainer_writes.append_steps(run, Progress(step=2532, epoch=3, loss=0.1, accuracy=0.9))
    store.trainer_writes.finish_run(run, RunStatus.COMPLETED, "Trained to the end.", lost_patience=True)
    open_page(app)
    assert PLANNED not in labels(app)
    click(app, "Continue for 1 more epoch")
    assert (store.queries.get_run(2).config.patience, store.queries.get_run(2).config.epochs) == (0, 4)


def test_a_stopped_run_is_continued_to_its_planned_end(app: AppTest, store: RunStore) -> None:
    give_checkpoint(store, active_run(store, RunStatus.STOPPED, config=TrainConfig(patience=4)), 412)
    click(open_page(app), PLANNED)
    assert store.queries.get_run(2).config.patience == 4
