"""Which addresses a source may live at: the rules of the SSRF guard, on addresses as resolved, never on names.
Resolving and connecting is `transport`'s."""

import ipaddress
import socket

# Ranges from the IANA special-purpose registries, and the metadata services of the large clouds, which hand out
# credentials to whoever asks from inside (the last two lie outside 169.254.0.0/16).
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LOCAL_NAT64 = ipaddress.ip_network("64:ff9b:1::/48")
_COMPATIBLE = ipaddress.ip_network("::/96")
_TUNNELS = tuple(map(ipaddress.ip_network, ("2002::/16", "2001::/32", "192.88.99.0/24")))  # 6to4, Teredo, 6to4 relays
_METADATA = frozenset(
    map(ipaddress.ip_address, ("169.254.169.254", "169.254.170.2", "fd00:ec2::254", "100.100.100.200", "168.63.129.16"))
)
_UNICAST = ipaddress.ip_network("2000::/3")  # the only part of IPv6 given out for the public internet
_UNIQUE_LOCAL = ipaddress.ip_network("fc00::/7")
_CARRIER = ipaddress.ip_network("100.64.0.0/10")

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def address_refusal(address: str, *, private: bool) -> str:
    """Why this address may not be connected to, or "" if it may.

    With `private`, loopback and the private ranges (RFC 1918, unique local, carrier-grade NAT, local NAT64) are
    allowed; metadata services, link-local, multicast, reserved and unspecified addresses and tunnels never are.
    An IPv4 address inside an IPv6 one (mapped, or NAT64 as networks without IPv4 use it) counts as itself.
    """
    try:
        ip: IpAddress = ipaddress.ip_address(address)
    except ValueError:
        return f"address {address!r} refused: not an IP address"
    ip = _unwrapped(ip)
    if ip in _METADATA:
        return f"cloud metadata address {ip} refused, always"
    if any(ip in network for network in _TUNNELS if network.version == ip.version):
        return f"tunnel address {ip} refused, always"
    if ip.is_loopback or ip in _LOCAL_NAT64 or ip in _CARRIER:
        return _unless(private, ip)
    for what, so in (
        ("unspecified", ip.is_unspecified or (ip.version == 4 and int(ip) >> 24 == 0)),
        ("link-local", ip.is_link_local),
        ("multicast", ip.is_multicast),
        ("reserved", ip.is_reserved or _unassigned(ip)),
    ):
        if so:
            return f"{what} address {ip} refused, always"
    return "" if ip.is_global else _unless(private, ip)


def _unassigned(ip: IpAddress) -> bool:
    return ip.version == 6 and ip not in _UNICAST and ip not in _UNIQUE_LOCAL


def _unless(private: bool, ip: IpAddress) -> str:
    kind = "loopback" if ip.is_loopback else "private"
    return "" if private else f"{kind} address {ip} refused: set private = true if it is meant to be local"


def _unwrapped(ip: IpAddress) -> IpAddress:
    """The IPv4 address that an IPv6 address stands for, where it stands for one."""
    if not isinstance(ip, ipaddress.IPv6Address):
        return ip
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip in _NAT64 or (ip in _COMPATIBLE and int(ip) > 1):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip


def literal(host: str) -> str:
    """The address a host name is, not resolves to, in any spelling the C library takes (0x7f.1, 2130706433), or ""."""
    host = host.rstrip(".")
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    if not host or not all(part[:1].isdigit() for part in host.split(".")):
        return ""
    try:
        return str(ipaddress.IPv4Address(socket.inet_aton(host)))
    except (OSError, ValueError):
        return ""


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine without asking anybody."""
    if address := literal(host):
        return _unwrapped(ipaddress.ip_address(address)).is_loopback
    name = host.rstrip(".").lower()
    return name == "localhost" or name.endswith(".localhost")
