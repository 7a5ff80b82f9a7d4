"""The gate that every call passes: where it comes from, and whether too many are open.

aio shows no connections, so they are counted by what calls tell of them: the distinct peers
of an address that have calls open. Behind a proxy a peer is the proxy's and tells nothing
of the client, which may have a connection for each call, or share one with all others:
there each open call counts as a connection of its own.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.edge.address import Address, Addresses
from chat_service.edge.limits import DEFAULT_ADDRESSES, AddressLimits

# When who was refused may try again: there is room once another call of the address ends.
RETRY_MS = 5000


class Gate:
    """The calls that are open, by address and peer."""

    def __init__(self, limits: AddressLimits = DEFAULT_ADDRESSES) -> None:
        self._peers: dict[str, Counter[str]] = {}
        self.change(limits)

    def change(self, limits: AddressLimits) -> None:
        """Go by other limits from now on; calls that are open stay."""
        self._limits = limits
        self._addresses = Addresses(limits)

    def address_of(self, peer: str, forwarded_for: Iterable[str] = ()) -> Address:
        """Return where a call comes from; see `Addresses.of`."""
        return self._addresses.of(peer, forwarded_for)

    @contextmanager
    def passing(self, network: str, peer: str) -> Iterator[None]:
        """Count a call as open while the block runs. Raises RefusedError: TOO_MANY_CONNECTIONS.

        `network` is what the caller is counted under, `peer` tells its connection from others.
        """
        if not network:
            yield
            return
        peers = self._peers.get(network, Counter())
        limits = self._limits
        if peer not in peers and len(peers) >= limits.connections:
            raise _too_many(f"{limits.connections} connections")
        if peers.total() >= limits.calls:
            raise _too_many(f"{limits.calls} calls at once")
        self._peers[network] = peers
        peers[peer] += 1
        try:
            yield
        finally:
            peers[peer] -= 1
            if not peers[peer]:
                del peers[peer]
                if not peers:
                    del self._peers[network]

    def counts(self) -> dict[str, int]:
        """Return how many connections have calls, by what addresses are counted under."""
        return {network: len(peers) for network, peers in self._peers.items()}


def _too_many(what: str) -> RefusedError:
    return RefusedError(
        Rejection(
            Reason.TOO_MANY_CONNECTIONS,
            f"at most {what} from one address",
            retry_after_ms=RETRY_MS,
        )
    )
