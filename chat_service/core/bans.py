"""Who may not be on the server: by name, or by where they come from.

A ban by name holds for an account, which has its name for ever, and for the bots of it;
that of a guest keeps its name out. A network has one form: without host bits, and as
IPv4 where it is IPv4 that is mapped to IPv6.
"""

import ipaddress
from functools import lru_cache
from typing import TypeAlias

from chat_service.core.errors import Reason, Rejection
from chat_service.core.model import FOREVER_MS, NetworkBan, UserBan
from chat_service.core.names import name_key
from chat_service.core.state import State

IP: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

# The longest prefixes that are refused are one shorter: nobody shuts out half a continent
# by a slip. Source: the contract.
WIDEST = {4: 8, 6: 19}
# More than any network is written in.
MAX_NETWORK_CHARS = 64


def is_banned(state: State, name: str, address: str, time_ms: int) -> Rejection | None:
    """Return why somebody of this name and address may not come in; None: they may.

    An empty address, or one that is none, is in no network.
    """
    user_ban = ban_of_user(state, name, time_ms)
    if user_ban is not None:
        return refuse_user(user_ban)
    network_ban = ban_of_address(state, address, time_ms)
    return None if network_ban is None else refuse_address(network_ban)


def ban_of_user(state: State, name: str, time_ms: int) -> UserBan | None:
    """Return the ban of a name, or of the account whose bot has that name."""
    ban = state.user_bans.get(name_key(name))
    if ban is not None and time_ms < ban.until_ms:
        return ban
    account = state.accounts.get(state.user_ids.get(name_key(name)) or 0)
    if account is None or not account.owner_id:
        return None
    return ban_of_user(state, state.users[account.owner_id].name, time_ms)


def ban_of_address(state: State, address: str, time_ms: int) -> NetworkBan | None:
    """Return the ban of the smallest network that an address is in, if there is one."""
    # Most servers have none, and the first look at an address is 0.3 ms.
    if next(state.network_bans.values(), None) is None:
        return None
    for network in networks_of(address):
        ban = state.network_bans.get(network)
        if ban is not None and time_ms < ban.until_ms:
            return ban
    return None


def refuse_user(ban: UserBan) -> Rejection:
    """Refuse somebody who is banned by name."""
    words = "you are banned from this server"
    return _refuse(f"{words}: {ban.reason}" if ban.reason else words, ban.until_ms)


def refuse_address(ban: NetworkBan) -> Rejection:
    """Refuse somebody who comes from a banned network, without its words: they are for the log."""
    return _refuse("your network is banned from this server", ban.until_ms)


@lru_cache(256)
def networks_of(address: str) -> tuple[str, ...]:
    """Return each network that an address is in, as bans have them, the smallest first.

    So a ban is found by as many look-ups as the address has bits, however many there are.
    """
    ip = ip_of(address)
    if ip is None:
        return ()
    number, bits, kind = int(ip), ip.max_prefixlen, type(ip)
    # Ten times as fast as networks of `ipaddress`, which make their masks too.
    return tuple(
        f"{kind(number >> (bits - prefix) << (bits - prefix))}/{prefix}"
        for prefix in range(bits, WIDEST[ip.version] - 1, -1)
    )


def is_in(network: str, address: str) -> bool:
    """Whether an address is in a network that is in the form of bans."""
    ip = ip_of(address)
    return ip is not None and ip in ipaddress.ip_network(network)


def ip_of(address: str) -> IP | None:
    """Return an address as bans and limits know it, IPv4 that came in as IPv6 as IPv4.

    None is what is no address.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return None
    return (ip.ipv4_mapped or ip) if isinstance(ip, ipaddress.IPv6Address) else ip


def network_named(text: str) -> str | Rejection:
    """Return the form in which an address or a network is known that was typed so."""
    try:
        if len(text) > MAX_NETWORK_CHARS or "%" in text:
            raise ValueError(text)
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return _no_network("an address, or a network such as 192.0.2.0/24 or 2001:db8::/32")
    if isinstance(network, ipaddress.IPv6Network):
        mapped = network.network_address.ipv4_mapped
        if mapped is not None and network.prefixlen >= 96:
            network = ipaddress.ip_network((mapped, network.prefixlen - 96))
    widest = WIDEST[network.version]
    if network.prefixlen < widest:
        return _no_network(f"a network of IPv{network.version} is no larger than /{widest}")
    return str(network)


def _no_network(words: str) -> Rejection:
    return Rejection(Reason.FIELD_INVALID, words, field="network")


def _refuse(words: str, until_ms: int) -> Rejection:
    metadata = () if until_ms >= FOREVER_MS else (("until_ms", str(until_ms)),)
    return Rejection(Reason.BANNED, words, metadata=metadata)
