"""`chat_cli.token_commands`: sign-ins, tokens and bots, at a desk of the fake service."""

import re
from pathlib import Path

from chat_protos.chat.v1 import accounts_pb2 as pb
from tests.cli.desk import run
from tests.cli.test_account_commands import signed_in


def test_sign_ins_are_listed_and_ended(tmp_path: Path) -> None:
    """The own one is marked; each row has what is needed to know it."""

    async def story() -> None:
        async with signed_in(tmp_path) as (fake, anna):
            fake.open_session(fake.accounts.held["anna"].user, "chat-cli on \x1b[2J")
            anna.types("/sessions")
            await anna.sees("chat-cli on ␛[2J")
            rows = [line for line in anna.screen.lines if "127.0.0.1  since" in line]
            assert len(rows) == 2
            assert "* s" in rows[1]
            assert rows[1].endswith("in use")
            # At this desk it is 1970.
            assert re.search(r"ends in \d+ d$", rows[0])
            other = rows[0].split()[0]
            anna.types(f"/revoke {other}")
            await anna.sees("1 sign-in or token ended.")
            anna.types(f"/revoke {other}")
            await anna.sees("there is no such sign-in or token")
            fake.open_session(fake.accounts.held["anna"].user, "x")
            anna.types("/revoke others")
            await anna.sees("1 sign-in or token ended.", times=2)

    run(story())


def test_tokens_are_shown_once(tmp_path: Path) -> None:
    """With their scopes, for the own account or a bot, and never in a list."""

    async def story() -> None:
        async with signed_in(tmp_path) as (fake, anna):
            anna.types("/bot new helper")
            await anna.sees("helper is a bot of yours.")
            anna.types("/token new ci read,post helper")
            await anna.sees("which is shown only now")
            token = next(t for t, one in fake.accounts.sessions.items() if one.api_token)
            assert anna.seen(token) == 1
            assert list(fake.accounts.sessions[token].scopes) == [pb.SCOPE_READ, pb.SCOPE_POST]
            anna.types("/tokens helper")
            await anna.sees("read,post  until it is revoked")
            assert anna.seen(token) == 1
            for wrong in ("new ci", "new ci account", "new ci read,fly", "old ci read"):
                anna.types(f"/token {wrong}")
            await anna.sees("the scopes are read, post, rooms, moderate, admin", times=2)
            await anna.sees("/token new LABEL", times=2)
            anna.types("/bots")
            await anna.sees("helper  since")
            anna.types("/bot close helper")
            await anna.sees("helper is closed for good.")

    run(story())
