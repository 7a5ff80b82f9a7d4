"""The facts: frozen, in the past tense, plain values only.

A RoomEvent has a place (`seq`) in its room and is what every member may see; the
others change who is there and what exists. Every event has the time of its
decision in milliseconds since 1970, never smaller than that of the one before.

A module for each noun: accounts, moderation, rooms, sessions, and upkeep, which is the server's
own; `history` is what a room is told.

What is made for each message is a NamedTuple: a frozen dataclass takes three times
as long to make.
"""

from chat_service.core.events.accounts import (
    AccountCreated,
    AccountDeactivated,
    AccountReactivated,
    AdminChanged,
    FastChanged,
    OwnerCodeSet,
    PasswordChanged,
    UserBlocked,
    UserUnblocked,
)
from chat_service.core.events.history import (
    MemberRemoved,
    MessageDeleted,
    MessagePosted,
    RoleChanged,
    RoomChanged,
    Tombstone,
    TopicChanged,
)
from chat_service.core.events.moderation import (
    Audited,
    LockdownSet,
    MemberBanned,
    MemberMuted,
    NetworkBanned,
    NetworkUnbanned,
    UserBanned,
    UserUnbanned,
)
from chat_service.core.events.rooms import (
    InvitationEnded,
    InviteCreated,
    InviteEnded,
    InviteUsed,
    MemberJoined,
    MemberLeft,
    RoomOpened,
    RoomPasswordSet,
    UserInvited,
)
from chat_service.core.events.sessions import (
    SessionAttached,
    SessionDetached,
    SessionEnded,
    SessionOpened,
    SessionRenewed,
    UserCreated,
    UserEnded,
    UserKicked,
)
from chat_service.core.events.upkeep import (
    AnswersPruned,
    Configured,
    EpochBegan,
    InstanceStarted,
    RoomForgotten,
    RoomPruned,
)

__all__ = [
    "AccountCreated",
    "AccountDeactivated",
    "AccountReactivated",
    "AdminChanged",
    "AnswersPruned",
    "Audited",
    "Configured",
    "ControlEvent",
    "EpochBegan",
    "Event",
    "FastChanged",
    "InstanceStarted",
    "InvitationEnded",
    "InviteCreated",
    "InviteEnded",
    "InviteUsed",
    "LockdownSet",
    "MemberBanned",
    "MemberJoined",
    "MemberLeft",
    "MemberMuted",
    "MemberRemoved",
    "MessageDeleted",
    "MessagePosted",
    "NetworkBanned",
    "NetworkUnbanned",
    "OwnerCodeSet",
    "PasswordChanged",
    "RoleChanged",
    "RoomChanged",
    "RoomEvent",
    "RoomForgotten",
    "RoomOpened",
    "RoomPasswordSet",
    "RoomPruned",
    "SessionAttached",
    "SessionDetached",
    "SessionEnded",
    "SessionOpened",
    "SessionRenewed",
    "Tombstone",
    "TopicChanged",
    "UserBanned",
    "UserBlocked",
    "UserCreated",
    "UserEnded",
    "UserInvited",
    "UserKicked",
    "UserUnbanned",
    "UserUnblocked",
]

RoomEvent = (
    MessagePosted
    | TopicChanged
    | MessageDeleted
    | Tombstone
    | RoleChanged
    | MemberRemoved
    | RoomChanged
)
ControlEvent = (
    EpochBegan
    | Configured
    | InstanceStarted
    | RoomForgotten
    | RoomPruned
    | AnswersPruned
    | UserCreated
    | UserEnded
    | SessionOpened
    | SessionAttached
    | SessionDetached
    | SessionRenewed
    | SessionEnded
    | UserKicked
    | AccountCreated
    | PasswordChanged
    | AdminChanged
    | AccountDeactivated
    | AccountReactivated
    | FastChanged
    | OwnerCodeSet
    | UserBlocked
    | UserUnblocked
    | RoomOpened
    | MemberJoined
    | MemberLeft
    | RoomPasswordSet
    | UserInvited
    | InvitationEnded
    | InviteCreated
    | InviteUsed
    | InviteEnded
    | MemberBanned
    | MemberMuted
    | UserBanned
    | UserUnbanned
    | NetworkBanned
    | NetworkUnbanned
    | LockdownSet
    | Audited
)
Event = RoomEvent | ControlEvent
