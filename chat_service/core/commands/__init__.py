"""The orders: frozen, plain values only.

Whatever is random or secret was made outside and comes in here, tokens hashed.
`wait_ms` in an order is the verdict of the rate limit: above 0, the order is
refused with that delay, unless it turns out to be a retry that was stored.

A module for each noun: accounts, messages, moderation, rooms, sessions, and upkeep, which is the
server's own; `targets` is whom and what an order is about.

What is made for each message is a NamedTuple: a frozen dataclass takes three times
as long to make.
"""

from chat_service.core.commands.accounts import (
    BlockUser,
    ChangePassword,
    CreateApiToken,
    CreateBot,
    DeactivateAccount,
    Register,
    ResetPassword,
    SetOwnerCode,
)
from chat_service.core.commands.messages import (
    DeleteMessage,
    PostMessage,
)
from chat_service.core.commands.moderation import (
    BanMember,
    BanNetwork,
    BanUser,
    KickMember,
    KickUser,
    MuteMember,
    SetAdmin,
    SetDeactivated,
    SetFast,
    SetLockdown,
    UnbanMember,
    UnbanNetwork,
    UnbanUser,
    UnmuteMember,
)
from chat_service.core.commands.rooms import (
    CreateInvite,
    CreateRoom,
    DeclineInvitation,
    InviteUser,
    JoinByInvite,
    JoinRoom,
    LeaveRoom,
    RevokeInvitation,
    RevokeInvite,
    SetRole,
    SetTopic,
    UpdateRoom,
)
from chat_service.core.commands.sessions import (
    AttachSession,
    DetachSession,
    EndSession,
    ExpireSession,
    OpenGuest,
    OpenSession,
    RenewSession,
    RevokeSession,
    SignIn,
)
from chat_service.core.commands.targets import (
    OPERATOR,
    Direct,
    RoomById,
    RoomByName,
    Target,
    UserById,
    UserByName,
    UserTarget,
)
from chat_service.core.commands.upkeep import (
    Configure,
    Prune,
    PruneAnswers,
    StartInstance,
)

__all__ = [
    "OPERATOR",
    "AttachSession",
    "BanMember",
    "BanNetwork",
    "BanUser",
    "BlockUser",
    "ChangePassword",
    "Command",
    "Configure",
    "CreateApiToken",
    "CreateBot",
    "CreateInvite",
    "CreateRoom",
    "DeactivateAccount",
    "DeclineInvitation",
    "DeleteMessage",
    "DetachSession",
    "Direct",
    "EndSession",
    "ExpireSession",
    "InviteUser",
    "JoinByInvite",
    "JoinRoom",
    "KickMember",
    "KickUser",
    "LeaveRoom",
    "MuteMember",
    "OpenGuest",
    "OpenSession",
    "PostMessage",
    "Prune",
    "PruneAnswers",
    "Register",
    "RenewSession",
    "ResetPassword",
    "RevokeInvitation",
    "RevokeInvite",
    "RevokeSession",
    "RoomById",
    "RoomByName",
    "SetAdmin",
    "SetDeactivated",
    "SetFast",
    "SetLockdown",
    "SetOwnerCode",
    "SetRole",
    "SetTopic",
    "SignIn",
    "StartInstance",
    "Target",
    "UnbanMember",
    "UnbanNetwork",
    "UnbanUser",
    "UnmuteMember",
    "UpdateRoom",
    "UserById",
    "UserByName",
    "UserTarget",
]

Command = (
    StartInstance
    | Configure
    | Prune
    | PruneAnswers
    | OpenGuest
    | SignIn
    | OpenSession
    | AttachSession
    | DetachSession
    | RenewSession
    | EndSession
    | ExpireSession
    | RevokeSession
    | Register
    | ChangePassword
    | ResetPassword
    | SetOwnerCode
    | CreateApiToken
    | CreateBot
    | DeactivateAccount
    | BlockUser
    | JoinRoom
    | LeaveRoom
    | SetTopic
    | JoinByInvite
    | CreateRoom
    | UpdateRoom
    | SetRole
    | InviteUser
    | RevokeInvitation
    | DeclineInvitation
    | CreateInvite
    | RevokeInvite
    | PostMessage
    | DeleteMessage
    | KickMember
    | BanMember
    | UnbanMember
    | MuteMember
    | UnmuteMember
    | KickUser
    | BanUser
    | UnbanUser
    | BanNetwork
    | UnbanNetwork
    | SetLockdown
    | SetAdmin
    | SetDeactivated
    | SetFast
)
