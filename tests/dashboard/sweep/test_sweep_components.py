"""What the Sweep page hands to the browser side of its strip, and what comes back."""

from streamlit.testing.v1 import AppTest

from mnist_core.records import SweepStatus
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from tests.support.web.page_driver import component_data

SPEC = {"parameters": {"lr": [0.1, 0.2]}, "trials": 2}


def test_the_strip_begins_with_name_and_status_and_asks_for_a_rerun_when_that_changes(
    store: RunStore, app: AppTest
) -> None:
    created = store.sweeps.create_sweep(SPEC, "rates")
    sweep = store.sweeps.claim_sweep(created.id, own_identity())
    page = app.run().switch_page("pages/sweep.py").run()
    data = component_data(page, "sweep_strip")
    assert data == {"sweep": 1, "name": "rates", "status": "running", "may_act": True}
    assert component_data(page, "sweep_board") == {"sweep": 1}
    store.sweeps.end_sweep(sweep, SweepStatus.COMPLETED)
    assert component_data(page.run(), "sweep_strip")["status"] == "completed"
