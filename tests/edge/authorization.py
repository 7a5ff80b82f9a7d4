"""Who may do what, as data: every call and every order, for everybody who may come.

A row is a call (`Service.Method`, or `Chat.order`) about a room of some kind, or about the
server; a column is who makes it. A cell has `+` where it is carried out, or the letter of the
reason by which it is refused. What is not in the table is nobody's right.

    anon       has no token
    guest      has no account, and is not in the room
    outsider   has an account, and is not in the room
    member     is in it
    muted      is in it, and may not speak
    banned     may not be in it
    moderator  of the room
    owner      of the room
    reader     an owner of the room, by an API token of SCOPE_READ alone
    bot        is in the room, by an API token of SCOPE_READ and SCOPE_POST
    admin      of the server, and not in the room
"""

ROLES = (
    "anon",
    "guest",
    "outsider",
    "member",
    "muted",
    "banned",
    "moderator",
    "owner",
    "reader",
    "bot",
    "admin",
)

REASONS = {
    "+": "",
    "T": "TOKEN_MISSING",
    "S": "SCOPE_MISSING",
    "G": "ACCOUNT_NEEDED",
    "R": "ROOM_NOT_FOUND",
    "B": "BANNED_FROM_ROOM",
    "M": "MUTED",
    "J": "NOT_A_MEMBER",
    "N": "ROLE_NEEDED",
    "A": "ADMIN_NEEDED",
    "P": "ROOM_IS_PUBLIC",
    "E": "ACCOUNT_EXISTS",
}

# columns:                         a g o m u b d w r t A
#                                  n u u e t a o n e b d
PRIVATE = """
ChatService.Subscribe              T R R + + R + + + + R
ChatService.PostMessage            T R R + M R + + S + R
ChatService.ListMessages           T R R + + R + + + + R
ChatService.ListUsers              T R R + + R + + + + R
Chat.join_room                     T R R + + R + + + + R
Chat.leave_room                    T R R + + R + + S S R
Chat.post                          T R R + M R + + S + R
Chat.set_topic                     T R R + M R + + S S R
RoomService.GetRoom                T R R + + R + + + + R
RoomService.UpdateRoom             T R R N N R N + S S R
RoomService.ListMembers            T R R + + R + + + + R
RoomService.SetRole                T R R N N R N + S S R
RoomService.InviteUser             T R R N N R + + S S R
RoomService.RevokeInvitation       T R R N N R + + S S R
RoomService.CreateRoomInvite       T R R N N R + + S S R
RoomService.ListRoomInvites        T R R N N R + + + N R
RoomService.RevokeRoomInvite       T R R N N R + + S S R
ModerationService.KickMember       T R R N N R + + S S R
ModerationService.BanMember        T R R N N R + + S S R
ModerationService.UnbanMember      T R R N N R + + S S R
ModerationService.MuteMember       T R R N N R + + S S R
ModerationService.UnmuteMember     T R R N N R + + S S R
ModerationService.ListRestrictions T R R N N R + + S S R
ModerationService.DeleteMessage    T R R N N R + + S N R
ModerationService.ListAuditEntries T R R N N R + + S S R
"""

PUBLIC = """
ChatService.Subscribe              T + + + + B + + + + +
ChatService.PostMessage            T + + + M B + + S + +
ChatService.ListMessages           T + + + + B + + + + +
ChatService.ListUsers              T + + + + B + + + + +
Chat.join_room                     T + + + + B + + + + +
Chat.leave_room                    T J J + + B + + S S J
Chat.post                          T + + + M B + + S + +
Chat.set_topic                     T J J + M B + + S S J
RoomService.GetRoom                T + + + + B + + + + +
RoomService.UpdateRoom             T N N N N B N + S S +
RoomService.ListMembers            T + + + + B + + + + +
RoomService.SetRole                T N N N N B N + S S +
RoomService.InviteUser             T N N N N B P P S S P
RoomService.RevokeInvitation       T N N N N B P P S S P
RoomService.CreateRoomInvite       T N N N N B P P S S P
RoomService.ListRoomInvites        T N N N N B + + + N +
RoomService.RevokeRoomInvite       T N N N N B P P S S P
ModerationService.KickMember       T N N N N B + + S S +
ModerationService.BanMember        T N N N N B + + S S +
ModerationService.UnbanMember      T N N N N B + + S S +
ModerationService.MuteMember       T N N N N B + + S S +
ModerationService.UnmuteMember     T N N N N B + + S S +
ModerationService.ListRestrictions T N N N N B + + S S +
ModerationService.DeleteMessage    T N N N N B + + S N +
ModerationService.ListAuditEntries T N N N N B + + S S +
"""

SERVER = """
ChatService.Join                   + + + + + + + + + + +
ChatService.SignOut                T + + + + + + + + + +
ChatService.ListRooms              T + + + + + + + + + +
Chat.hello                         T + + + + + + + + + +
AccountService.Register            + + E E E E E E S S E
AccountService.GetAccount          T + + + + + + + + + +
AccountService.ChangePassword      T G + + + + + + S S +
AccountService.ListSessions        T G + + + + + + S S +
AccountService.RevokeSession       T G + + + + + + S S +
AccountService.CreateApiToken      T G + + + + + + S S +
AccountService.CreateBot           T G + + + + + + S S +
AccountService.ListBots            T G + + + + + + S S +
AccountService.DeactivateAccount   T G + + + + + + S S +
AccountService.BlockUser           T + + + + + + + S + +
AccountService.UnblockUser         T + + + + + + + S + +
AccountService.ListBlockedUsers    T + + + + + + + S + +
AccountService.CreateInvite        T G A A A A A A S S +
AccountService.ListInvites         T G A A A A A A S S +
AccountService.RevokeInvite        T G A A A A A A S S +
RoomService.CreateRoom             T + + + + + + + S S +
RoomService.ListInvitations        T + + + + + + + + + +
RoomService.DeclineInvitation      T + + + + + + + S S +
ModerationService.RemoveUser       T A A A A A A A S S +
ModerationService.BanUser          T A A A A A A A S S +
ModerationService.UnbanUser        T A A A A A A A S S +
ModerationService.BanNetwork       T A A A A A A A S S +
ModerationService.UnbanNetwork     T A A A A A A A S S +
ModerationService.ListServerBans   T A A A A A A A S S +
ModerationService.SetLockdown      T A A A A A A A S S +
ModerationService.SetAdmin         T A A A A A A A S S +
ModerationService.SetDeactivated   T A A A A A A A S S +
ModerationService.SetFast          T A A A A A A A S S +
ModerationService.ListAuditEntries T A A A A A A A S S +
"""


def read(table: str) -> dict[tuple[str, str], str]:
    """Return the reason of each call and role; empty where the call is carried out."""
    found = {}
    for line in table.strip().splitlines():
        call, *cells = line.split()
        for role, cell in zip(ROLES, cells, strict=True):
            found[call, role] = REASONS[cell]
    return found
