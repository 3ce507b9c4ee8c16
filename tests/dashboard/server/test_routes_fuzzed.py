"""Requests that nobody would think of, to every address of our own, and text of every kind in every field."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from mnist_core.config import TrainConfig
from mnist_core.errors import ConfigError
from mnist_core.store import RunStore
from mnist_dashboard.feed.hub import LiveHub
from mnist_dashboard.feed.routes import MAX_RUNS_PER_STREAM, feed_routes, read_query
from mnist_dashboard.server import assets, owner_link
from mnist_dashboard.server.access_policy import AccessPolicy
from mnist_dashboard.server.guard import Guard
from mnist_dashboard.server.hosts import AllowedHosts
from tests.support.asgi_client import HERE, PEER, Answer, ask, scope_of

FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

ADDRESSES = ["/owner", f"/assets/{assets.asset_url('components/lib/dom.js').split('/')[2]}/", "/assets/", "/"]
TRAVERSALS = [
    "../owner-key",
    "..%2f..%2fowner-key",
    "..\\owner-key",
    "%2e%2e/app.py",
    "/etc/passwd",
    "strip.js/../../x",
    "\0",
]
VALUES = st.one_of(
    st.text(max_size=40), st.sampled_from([*TRAVERSALS, "1,2", "-1", "1e9", "nan", "9" * 5000, "' OR 1=1 --"])
)
PARAMETERS = st.dictionaries(st.sampled_from(["runs", "smoothing", "key", "run", "x"]), VALUES, max_size=4)


@pytest.fixture
def policy(places: Path) -> AccessPolicy:
    return AccessPolicy(places / "runs")


@pytest.fixture
def app(store: RunStore, policy: AccessPolicy) -> Guard:
    """Every address of ours, as `app.py` puts them together, without Streamlit behind."""
    hub = LiveHub(store.queries)
    routes = [*assets.ASSET_ROUTES, *feed_routes(hub, policy), *owner_link.owner_link_routes(policy)]
    return Guard(Starlette(routes=routes), policy, AllowedHosts(["10.0.0.2"]))


@dataclass(frozen=True)
class Asked:
    """A request as somebody might make it up."""

    address: str
    rest: str
    parameters: dict[str, str]
    method: str
    body: bytes
    client: str

    @property
    def query(self) -> str:
        return "&".join(f"{name}={quote(value)}" for name, value in self.parameters.items())

    def of(self, app: Guard) -> Answer:
        host = "localhost:8501" if self.client == HERE else "10.0.0.2:8501"
        path = f"{self.address}{quote(self.rest)}?{self.query}"
        origin = [("origin", f"http://{host}")]
        return ask(app, scope_of(path, method=self.method, client=self.client, host=host, headers=origin), self.body)


ASKED = st.builds(
    Asked,
    address=st.sampled_from(ADDRESSES),
    rest=st.one_of(st.just(""), VALUES),
    parameters=PARAMETERS,
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"]),
    body=st.binary(max_size=200),
    client=st.sampled_from([HERE, PEER]),
)


@FEW
@given(asked=ASKED)
def test_no_request_breaks_a_route_or_brings_out_a_file(app: Guard, policy: AccessPolicy, asked: Asked) -> None:
    key = policy.key.read()
    answer = asked.of(app)
    assert answer.status < 500
    assert key.encode() not in answer.body
    assert b"root:" not in answer.body
    assert b"import " not in answer.body or answer.headers["content-type"].startswith("text/javascript")
    assert "mnist_owner" not in answer.headers.get("set-cookie", "")
    if asked.client == PEER and asked.method not in ("GET", "HEAD", "OPTIONS"):
        assert answer.status == 403


@FEW
@given(asked=ASKED)
def test_what_the_feed_reads_from_an_address_is_in_bounds_or_refused(asked: Asked) -> None:
    with suppress(ValueError):
        run_ids, smoothing = read_query(asked.query)
        assert len(run_ids) <= MAX_RUNS_PER_STREAM
        assert 0 <= smoothing < 1


@FEW
@given(
    text=st.one_of(st.text(max_size=120), st.sampled_from(["'; DROP TABLE runs; --", "=1+1", "<script>", "@SUM(A1)"]))
)
def test_text_in_a_field_is_kept_as_it_was_typed_or_refused(store: RunStore, text: str) -> None:
    run = store.commands.create_run(TrainConfig())
    with suppress(ConfigError):
        assert store.commands.edit_run(run.id, name=text).name == text.strip()
    with suppress(ConfigError):
        assert store.commands.edit_run(run.id, notes=text).notes.strip() == text.strip()
    with suppress(ConfigError):
        assert store.commands.edit_run(run.id, tags=[text]).tags in ((text.strip(),), ())
    assert run.id in {one.id for one in store.queries.list_runs()}
    store.commands.delete_runs([run.id])
