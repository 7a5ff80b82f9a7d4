"""The servers beside which the chat service is measured, a module for each.

peer     what a peer is, and how any of them is run
inspircd, ngircd, nats   daemons of others, run where they are installed
socket_chat   the chat program of an afternoon: a thread for each client
"""

from bench.peers.inspircd import INSPIRCD
from bench.peers.nats import NATS
from bench.peers.ngircd import NGIRCD
from bench.peers.peer import Peer
from bench.peers.socket_chat import SOCKET_CHAT

__all__ = ["INSPIRCD", "NATS", "NGIRCD", "PEERS", "SOCKET_CHAT", "Peer"]

PEERS: tuple[Peer, ...] = (INSPIRCD, NGIRCD, NATS, SOCKET_CHAT)
