"""The services of the contract, each with what it needs of what they share."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from chat_service.edge.accounts import SERVICE as ACCOUNTS
from chat_service.edge.accounts import AccountMethods
from chat_service.edge.blocks import BlockMethods
from chat_service.edge.chat import ChatMethods
from chat_service.edge.directory import Directory
from chat_service.edge.doors import Doors
from chat_service.edge.entrance import Entrance
from chat_service.edge.gate import Gate
from chat_service.edge.governance import ServerOrder
from chat_service.edge.invitations import InvitationMethods
from chat_service.edge.invites import InviteMethods
from chat_service.edge.journal import Journal
from chat_service.edge.limits import CallLimits
from chat_service.edge.lists import Lists
from chat_service.edge.logins import Logins
from chat_service.edge.methods import Part, Service, streaming_service, unary_service
from chat_service.edge.moderation import SERVICE as MODERATION
from chat_service.edge.moderation import ModerationMethods
from chat_service.edge.pace import Pace
from chat_service.edge.passwords import Passwords
from chat_service.edge.reads import Reads
from chat_service.edge.records import Records
from chat_service.edge.rooms import SERVICE as ROOMS
from chat_service.edge.rooms import RoomMethods
from chat_service.edge.sessions import Sessions
from chat_service.edge.streams import Streams
from chat_service.edge.tokens import TokenMethods
from chat_service.hub.hub import Hub
from chat_service.log.contract import Log


@dataclass(frozen=True, slots=True)
class Ground:
    """What the services share."""

    # Name of the instance, for the sessions that are opened on it.
    instance: str
    log: Log
    journal: Journal
    directory: Directory
    hub: Hub
    streams: Streams
    sessions: Sessions
    # Runs reads of history.
    readers: Executor
    pace: Pace
    logins: Logins
    passwords: Passwords
    gate: Gate
    # For rates, in seconds.
    clock: Callable[[], float]
    limits: CallLimits


def served(ground: Ground) -> tuple[ChatMethods, tuple[Service, ...]]:
    """Return the calls of the chat, and all services: that of the chat, and those beside it."""
    doors = Doors(ground.passwords, ground.logins, ground.directory, ground.clock)
    entrance = Entrance(
        instance=ground.instance,
        journal=ground.journal,
        directory=ground.directory,
        hub=ground.hub,
        pace=ground.pace,
        sessions=ground.sessions,
        passwords=ground.passwords,
        logins=ground.logins,
        clock=ground.clock,
        limits=ground.limits,
    )
    lists = Lists(
        log=ground.log,
        directory=ground.directory,
        hub=ground.hub,
        streams=ground.streams,
        sessions=ground.sessions,
        readers=ground.readers,
        limits=ground.limits,
    )
    methods = ChatMethods(
        journal=ground.journal,
        directory=ground.directory,
        hub=ground.hub,
        streams=ground.streams,
        sessions=ground.sessions,
        entrance=entrance,
        pace=ground.pace,
        doors=doors,
        clock=ground.clock,
        limits=ground.limits,
    )
    room_methods: tuple[Part, ...] = (
        RoomMethods(
            journal=ground.journal,
            directory=ground.directory,
            hub=ground.hub,
            sessions=ground.sessions,
            pace=ground.pace,
            doors=doors,
            clock=ground.clock,
            check_open=methods.check_open,
            limits=ground.limits,
        ),
        InvitationMethods(
            journal=ground.journal,
            directory=ground.directory,
            sessions=ground.sessions,
            pace=ground.pace,
            clock=ground.clock,
            check_open=methods.check_open,
        ),
    )
    account_methods: tuple[Part, ...] = (
        AccountMethods(
            journal=ground.journal,
            directory=ground.directory,
            streams=ground.streams,
            sessions=ground.sessions,
            entrance=entrance,
            passwords=ground.passwords,
            pace=ground.pace,
            clock=ground.clock,
            check_open=methods.check_open,
        ),
        TokenMethods(
            instance=ground.instance,
            journal=ground.journal,
            directory=ground.directory,
            sessions=ground.sessions,
            pace=ground.pace,
            clock=ground.clock,
            limits=ground.limits,
        ),
        BlockMethods(
            journal=ground.journal,
            directory=ground.directory,
            sessions=ground.sessions,
            pace=ground.pace,
            clock=ground.clock,
        ),
        InviteMethods(
            journal=ground.journal,
            directory=ground.directory,
            sessions=ground.sessions,
            pace=ground.pace,
            clock=ground.clock,
            limits=ground.limits,
        ),
    )
    order_methods: tuple[Part, ...] = (
        ModerationMethods(
            journal=ground.journal,
            sessions=ground.sessions,
            pace=ground.pace,
            clock=ground.clock,
            check_open=methods.check_open,
        ),
        ServerOrder(
            journal=ground.journal, sessions=ground.sessions, check_open=methods.check_open
        ),
        Records(
            log=ground.log,
            directory=ground.directory,
            sessions=ground.sessions,
            readers=ground.readers,
            limits=ground.limits,
        ),
    )
    tally, gate = ground.journal.tally, ground.gate
    reads = Reads(ground.directory, ground.pace, ground.clock)
    services = (
        streaming_service(methods, tally, gate, reads.bounding(lists)),
        unary_service(ACCOUNTS, tally, gate, *map(reads.bounding, account_methods)),
        unary_service(ROOMS, tally, gate, *map(reads.bounding, room_methods)),
        unary_service(MODERATION, tally, gate, *map(reads.bounding, order_methods)),
    )
    return methods, services
