"""Which servers may be asked: the base URL, and the addresses that its name leads to.

A base URL can come from a visitor, so it must not become a way into the hub's own network. The address is checked
after the name was resolved and the connection goes to the very address that was checked, so a name that answers
differently the second time gains nothing. Proxies of the environment are not used: they would resolve the name again.
Knows nothing of what is asked.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterable
from functools import lru_cache

import httpx

from models.errors import BadInput

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Services that hand out a cloud machine's credentials at addresses which are not link-local:
# Alibaba, Azure, Oracle, then AWS and Google over IPv6.
_METADATA = frozenset(
    map(
        ipaddress.ip_address,
        ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"),
    )
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_PATHS = ("/chat/completions", "/completions", "/embeddings", "/models")  # what people paste instead of the base


def base_url(text: str, *, private_ok: bool) -> str:
    """The base URL without a slash at its end; `/v1` is added where there is no path at all.

    Raises BadInput: not http(s), no host, a user name, password, query or fragment in it, or an address that is
    plainly not allowed (names are looked up when they are connected to).
    """
    try:
        url = httpx.URL(text.strip())
    except (httpx.InvalidURL, UnicodeError) as error:
        raise BadInput("remote_address") from error
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query or url.fragment:
        raise BadInput("remote_address")
    literal = _literal(url.host)
    if literal is not None and refused(literal, private_ok=private_ok):
        raise BadInput("remote_forbidden", host=url.host)
    path = url.path.rstrip("/")
    for known in _PATHS:
        path = path.removesuffix(known)
    return str(url.copy_with(path=path or "/v1"))


def refused(address: Address, *, private_ok: bool) -> bool:
    """Whether an address must not be connected to.

    Link-local, metadata, multicast, unspecified and reserved addresses never; this machine and private networks
    only where the owner of the hub allows them. An IPv4 address wrapped in IPv6 counts as what it wraps.
    """
    wrapped = _wrapped(address)
    if wrapped is not None:
        return refused(wrapped, private_ok=private_ok)
    if address.is_loopback:  # first, because ::1 is also in a reserved block
        return not private_ok
    if address in _METADATA or address.is_link_local or address.is_multicast:
        return True
    if address.is_unspecified or address.is_reserved:
        return True
    return not (address.is_global or private_ok)


def _wrapped(address: Address) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


async def _resolved(host: str, port: int, *, private_ok: bool) -> list[str]:
    """All addresses of a host, in the order of the resolver. Raises BadInput when any of them is refused."""
    try:
        rows = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpx.ConnectError(f"the name cannot be resolved ({error})") from error
    found = list(dict.fromkeys(str(row[4][0]) for row in rows))
    _check(host, map(ipaddress.ip_address, found), private_ok=private_ok)
    return found


def _check(host: str, addresses: Iterable[Address], *, private_ok: bool) -> None:
    if any(refused(address, private_ok=private_ok) for address in addresses):
        raise BadInput("remote_forbidden", host=host)


class GuardedTransport(httpx.AsyncBaseTransport):
    """Connects only to addresses that `refused` lets through; tries all addresses of a name in turn."""

    def __init__(self, *, private_ok: bool) -> None:
        self._private_ok = private_ok
        self._inner = httpx.AsyncHTTPTransport(verify=_tls(), trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises BadInput for an address that is not allowed, httpx.ConnectError when none can be reached."""
        host = request.url.raw_host.decode("ascii")
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        trouble: httpx.TransportError = httpx.ConnectError("the name has no address")
        for address in await _resolved(host, port, private_ok=self._private_ok):
            try:
                return await self._inner.handle_async_request(_to_address(request, host, address))
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                trouble = error
        raise trouble

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._inner.aclose()


def _to_address(request: httpx.Request, host: str, address: str) -> httpx.Request:
    """The same request to one address; Host header and certificate stay those of the name."""
    extensions = dict(request.extensions)
    if _literal(host) is None:
        extensions["sni_hostname"] = host
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions=extensions,
    )


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Shared by all connections: reading the list of authorities costs tens of milliseconds."""
    return httpx.create_ssl_context()
