"""The guard's rules, address by address."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.fetch.ssrf import address_refusal, is_loopback, literal

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "128.84.21.199",
    "223.255.255.254",
    "2606:4700::1111",
    "2a00:1450:4001::1",
    "64:ff9b::101:101",
    "::ffff:1.1.1.1",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.0.1",
    "172.32.0.1",
    "11.0.0.1",
    "192.167.255.255",
    "198.20.0.1",
]
LOCAL = [
    "127.0.0.1",
    "127.255.255.254",
    "::1",
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "fd12:3456::1",
    "fc00::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::a00:1",
    "::10.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.7",
    "2001:db8::1",
]
NEVER = [
    "0.0.0.0",
    "0.1.2.3",
    "::",
    "169.254.169.254",
    "169.254.170.2",
    "169.254.0.1",
    "fe80::1",
    "fe80::1%1",
    "224.0.0.1",
    "224.0.1.1",
    "239.255.255.250",
    "ff02::1",
    "240.0.0.1",
    "255.255.255.255",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "::ffff:0.0.0.0",
    "fd00:ec2::254",
    "100.100.100.200",
    "168.63.129.16",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2002:101:101::",
    "2001:0:7f00:1::",
    "2001::1",
    "192.88.99.1",
    "fec0::1",
    "4000::1",
    "100::1",
    "nonsense",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet_is_open_to_all(address):
    assert address_refusal(address, private=False) == ""
    assert address_refusal(address, private=True) == ""


@pytest.mark.parametrize("address", LOCAL)
def test_local_addresses_are_for_sources_that_are_meant_to_be_local(address):
    assert "set private = true" in address_refusal(address, private=False)
    assert address_refusal(address, private=True) == ""


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_for_nobody(address):
    assert address_refusal(address, private=False)
    assert "set private" not in address_refusal(address, private=True) != ""


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_alike_in_every_disguise(address):
    for private in (False, True):
        verdict = bool(address_refusal(str(address), private=private))
        assert bool(address_refusal(f"::ffff:{address}", private=private)) == verdict
        assert bool(address_refusal(f"64:ff9b::{address}", private=private)) == verdict
    assert address_refusal(str(ipaddress.ip_address((0x2002 << 112) | (int(address) << 80))), private=True)


@given(st.one_of(st.ip_addresses(), st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address)))
def test_nothing_the_registries_call_special_is_open(address):
    if not address.is_global or address.is_multicast:
        inside = address.ipv4_mapped if address.version == 6 else None
        assert address_refusal(str(address), private=False) or (inside and inside.is_global)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("0x7f.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("017700000001", "127.0.0.1"),
        ("0xa9fea9fe", "169.254.169.254"),
        ("10.0.0.1.", "10.0.0.1"),
        ("1e100.net", ""),
        ("4chan.org", ""),
        ("example.org", ""),
        ("", ""),
        (".", ""),
    ],
)
def test_numeric_hosts_are_seen_through(host, address):
    assert literal(host) == address


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.", "feeds.localhost", "127.0.0.1", "127.1", "::1", "::ffff:127.0.0.1"]
)
def test_this_machine_by_any_name(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["example.org", "10.0.0.1", "localhost.example.org", "notlocalhost", "::2"])
def test_other_machines(host):
    assert not is_loopback(host)


@given(st.text(max_size=30))
def test_no_host_makes_it_stumble(host):
    assert is_loopback(host) in (True, False)
    assert isinstance(literal(host), str)
