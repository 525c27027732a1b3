"""Who asks: the address behind the proxies we believe, the network it belongs to, and whether it is this machine."""

import ipaddress

from flask import Request

FORWARDING = frozenset(
    ("forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip", "cf-connecting-ip",
     "fly-client-ip")
)  # fmt: skip
IPV4_PREFIX, IPV6_PREFIX = 24, 48  # what a provider gives one customer, or less


def is_local(request: Request) -> bool:
    """Whether somebody on this machine asks, with no proxy between: what was forwarded may come from anywhere."""
    names = [name.lower() for name, _ in request.headers]
    forwarded = any(name in FORWARDING or name.startswith("x-forwarded-") for name in names)
    address = _address(request.remote_addr or "")
    return not forwarded and address is not None and address.is_loopback


def network_of(request: Request) -> str:
    """The visitor's network, "192.0.2.0/24" or "2001:db8::/48": what limits are counted by, and all we keep."""
    address = _address(request.remote_addr or "")
    if address is None:
        return ""
    prefix = IPV4_PREFIX if address.version == 4 else IPV6_PREFIX
    return str(ipaddress.ip_network((address, prefix), strict=False))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
