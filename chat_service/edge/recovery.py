"""The way back in, of AdminService: what whoever runs a server does about its accounts.

No right is asked for: who can open the admin socket owns the data. Passwords and codes that
are made here are in the answer, and nowhere else but for their hashes.
"""

import asyncio
import logging
from concurrent.futures import Executor

from chat_protos.chat.v1 import admin_pb2 as pb
from chat_protos.chat.v1 import chat_pb2
from chat_service.codes import code_hash, new_code
from chat_service.core import commands as cmd
from chat_service.core.decision import Answer
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.edge.audit import entry_message
from chat_service.edge.calls import Call
from chat_service.edge.ids import user_text
from chat_service.edge.journal import Journal
from chat_service.edge.methods import Unary
from chat_service.edge.paging import key_of, page_size, token_after
from chat_service.edge.passwords import Passwords
from chat_service.log.contract import Log

logger = logging.getLogger(__name__)

# No audit log has as many entries; a longer number in a page_token was never ours.
MAX_ENTRY_DIGITS = 18


class RecoveryMethods:
    """Serves the calls about accounts. `readers` runs blocking reads."""

    def __init__(
        self,
        *,
        instance: str,
        log: Log,
        journal: Journal,
        passwords: Passwords,
        readers: Executor,
    ) -> None:
        self._instance = instance
        self._log = log
        self._journal = journal
        self._passwords = passwords
        self._readers = readers

    def unary(self) -> Unary:
        """Return the methods by name."""
        return {
            "CreateOwnerCode": self.create_owner_code,
            "CreateAccount": self.create_account,
            "SetPassword": self.set_password,
            "GrantAdmin": self.grant_admin,
            "CloseAccount": self.close_account,
            "Unban": self.unban,
            "ListAudit": self.list_audit,
        }

    async def create_owner_code(
        self, _: pb.CreateOwnerCodeRequest, __: Call
    ) -> pb.CreateOwnerCodeResponse:
        """Make a code by which an admin registers."""
        code = new_code()
        await self._journal.order(cmd.SetOwnerCode(code_hash(code)))
        logger.info("made a code for an admin")
        return pb.CreateOwnerCodeResponse(code=code)

    async def create_account(
        self, request: pb.CreateAccountRequest, _: Call
    ) -> pb.CreateAccountResponse:
        """Make an account, whoever may register."""
        password, made = self._password(request.password)
        order = cmd.Register(
            session_id=cmd.OPERATOR,
            name=request.name,
            password_hash=await self._passwords.hashed(password),
            token_hash=b"",
            instance=self._instance,
            by_operator=True,
            admin=request.admin,
        )
        answer = await self._journal.order(order)
        self._told("made an account", answer, admin=request.admin)
        return pb.CreateAccountResponse(user=_user(answer), password=made)

    async def set_password(self, request: pb.SetPasswordRequest, _: Call) -> pb.SetPasswordResponse:
        """Give an account another password, which ends its sessions."""
        password, made = self._password(request.password)
        password_hash = await self._passwords.hashed(password)
        order = cmd.ResetPassword(cmd.UserByName(request.name), password_hash)
        answer = await self._journal.order(order)
        self._told("set a password", answer, sessions=answer.sessions)
        return pb.SetPasswordResponse(user=_user(answer), password=made, ended=answer.sessions)

    async def grant_admin(self, request: pb.GrantAdminRequest, _: Call) -> pb.GrantAdminResponse:
        """Make an account an admin, or no longer."""
        order = cmd.SetAdmin(cmd.OPERATOR, cmd.UserByName(request.name), request.admin)
        answer = await self._journal.order(order)
        self._told("said who is an admin", answer, admin=request.admin)
        return pb.GrantAdminResponse(user=_user(answer))

    async def close_account(
        self, request: pb.CloseAccountRequest, _: Call
    ) -> pb.CloseAccountResponse:
        """Close an account, or open it again."""
        user = cmd.UserByName(request.name)
        order = cmd.SetDeactivated(cmd.OPERATOR, user, request.closed, request.reason)
        answer = await self._journal.order(order)
        what = "closed an account" if request.closed else "opened an account again"
        self._told(what, answer, sessions=answer.sessions)
        return pb.CloseAccountResponse(user=_user(answer), ended=answer.sessions)

    async def unban(self, request: pb.UnbanRequest, _: Call) -> pb.UnbanResponse:
        """Let a user or a network in again."""
        kind = request.WhichOneof("banned")
        if kind is None:
            raise RefusedError(
                Rejection(Reason.FIELD_INVALID, "name a user or a network", field="banned")
            )
        if kind == "name":
            await self._journal.order(cmd.UnbanUser(cmd.OPERATOR, request.name))
        else:
            await self._journal.order(cmd.UnbanNetwork(cmd.OPERATOR, request.network))
        logger.info("unbanned", extra={"fields": {kind: getattr(request, kind)}})
        return pb.UnbanResponse()

    async def list_audit(self, request: pb.ListAuditRequest, _: Call) -> pb.ListAuditResponse:
        """List what was done on the server and in its public rooms, the newest first."""
        size = page_size(request.page_size)
        key = key_of(request.page_token, "audit")
        if key is not None and not (key.isdecimal() and len(key) <= MAX_ENTRY_DIGITS):
            raise RefusedError(
                Rejection(Reason.PAGE_INVALID, "this page_token is damaged", field="page_token")
            )
        before_id = 10**MAX_ENTRY_DIGITS if key is None else int(key)
        found = await asyncio.get_running_loop().run_in_executor(
            self._readers, lambda: self._log.read_audit(None, before_id, count=size + 1)
        )
        shown = found[:size]
        more = len(found) > size
        return pb.ListAuditResponse(
            entries=map(entry_message, shown),
            next_page_token=token_after("audit", str(shown[-1].audit_id)) if more else "",
        )

    def _password(self, given: str) -> tuple[str, str]:
        """Return the password to set, and the same if it was made here."""
        if given:
            return given, ""
        made = new_code()
        while len(made) < self._passwords.limits.min_chars:
            made += f"-{new_code()}"
        return made, made

    def _told(self, what: str, answer: Answer, **fields: object) -> None:
        who = {"user": answer.name, "user_id": user_text(answer.user_id)}
        logger.info(what, extra={"fields": who | fields})


def _user(answer: Answer) -> chat_pb2.User:
    return chat_pb2.User(user_id=user_text(answer.user_id), name=answer.name, account=True)
