"""What named proxies say about the requests that they forward."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from mnist_core.errors import MnistError
from mnist_dashboard.server.roles.proxies import ForwardedRequest, TrustedProxies

PEER = "172.18.0.2"


def read(*headers: tuple[str, str], trusted: str = "172.18.0.0/16") -> ForwardedRequest:
    return TrustedProxies(trusted).read(PEER, Headers(raw=[(n.encode(), v.encode()) for n, v in headers]))


@pytest.mark.parametrize(
    ("forwarded_for", "client"),
    [
        (["10.0.0.9"], "10.0.0.9"),
        (["10.0.0.7, 10.0.0.9"], "10.0.0.9"),
        (["10.0.0.7", "10.0.0.9"], "10.0.0.9"),
        (["10.0.0.9, 172.18.0.3"], "10.0.0.9"),
        (["10.0.0.9", "172.18.0.3, 172.18.0.4"], "10.0.0.9"),
        (["172.18.0.9"], "172.18.0.9"),
        (["10.0.0.9:4711"], "10.0.0.9"),
        (["[2001:db8::7]:4711"], "2001:db8::7"),
        (["2001:db8::7"], "2001:db8::7"),
        (["::ffff:10.0.0.9"], "10.0.0.9"),
        (["10.0.0.9, unknown"], PEER),
        (["10.0.0.9,"], PEER),
        ([""], PEER),
        ([], PEER),
    ],
)
def test_the_client_is_found_from_the_right_past_named_proxies(forwarded_for: list[str], client: str) -> None:
    assert read(*(("x-forwarded-for", value) for value in forwarded_for)).client == client


def test_scheme_and_host_are_those_that_the_outermost_named_proxy_saw() -> None:
    assert read(("x-forwarded-proto", "https"), ("x-forwarded-host", "site")) == ForwardedRequest(PEER, "https", "site")
    chain = [("x-forwarded-for", "10.0.0.9, 172.18.0.3"), ("x-forwarded-proto", "http, https, http")]
    assert read(*chain).scheme == "https"
    assert read(*chain, ("x-forwarded-proto", "http")).scheme == "http"
    assert read(("x-forwarded-proto", "javascript")).scheme == ""


def test_the_standard_header_is_read_where_the_others_are_missing() -> None:
    forwarded = ("forwarded", 'for=10.0.0.7, For="[2001:db8::7]:4711";proto=https;host="site:8443"')
    assert read(forwarded) == ForwardedRequest("2001:db8::7", "https", "site:8443")
    assert read(forwarded, ("x-forwarded-for", "10.0.0.9")).client == "10.0.0.9"


def test_addresses_and_networks_are_named() -> None:
    named = TrustedProxies("127.0.0.1, ::1 10.1.0.0/16")
    assert [named.trusts(address) for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1", "10.1.2.3")] == [True] * 4
    assert [named.trusts(address) for address in ("127.0.0.2", "10.2.0.1", "", "testclient")] == [False] * 4
    assert not TrustedProxies().trusts("127.0.0.1")


@pytest.mark.parametrize("text", ["localhost", "10.0.0.0/33", "*", "10.0.0.1:80"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(MnistError, match=r"MNIST_PROXIES must list addresses or networks, such as 172\.18\.0\.2"):
        TrustedProxies(text)
