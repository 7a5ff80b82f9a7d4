"""`chat_cli.moderation_commands`: order in rooms, as it is typed and as it is told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from google.protobuf.message import Message

from chat_protos.chat.v1 import accounts_pb2, chat_pb2
from chat_protos.chat.v1 import moderation_pb2 as pb
from tests.cli.desk import run
from tests.cli.person import WITH_BOB, acked, live, opened, said
from tests.cli.recorded_calls import RecordedCalls, recording
from tests.cli.test_client import Seat

SERVICES = (
    pb.DESCRIPTOR.services_by_name["ModerationService"],
    chat_pb2.DESCRIPTOR.services_by_name["ChatService"],
)
WHERE = chat_pb2.RoomTarget(room_id="r1")
BOB = accounts_pb2.UserTarget(name="bob")
EVE = accounts_pb2.UserTarget(name="eve")
FOREVER = 2**53 - 1


@asynccontextmanager
async def seated() -> AsyncIterator[tuple[Seat, RecordedCalls]]:
    """Seat anna in the lobby."""
    async with recording(*SERVICES) as (calls, channel):
        anna = Seat()
        anna.connection.channel = channel
        yield anna, calls


@pytest.mark.parametrize(
    ("line", "request_", "answer", "told"),
    [
        ("/kick bob", pb.KickMemberRequest(room=WHERE, user=BOB), None, []),
        (
            "/kick @bob  no  spam",
            pb.KickMemberRequest(room=WHERE, user=BOB, reason="no  spam"),
            None,
            [],
        ),
        (
            "/ban BOB",
            pb.BanMemberRequest(room=WHERE, user=accounts_pb2.UserTarget(name="BOB")),
            pb.BanMemberResponse(until_ms=FOREVER),
            [],
        ),
        (
            "/ban eve",
            pb.BanMemberRequest(room=WHERE, user=EVE),
            pb.BanMemberResponse(until_ms=FOREVER),
            ["08:00 · eve is banned from #lobby for ever"],
        ),
        (
            "/ban eve 2h spam",
            pb.BanMemberRequest(room=WHERE, user=EVE, duration_ms=7_200_000, reason="spam"),
            pb.BanMemberResponse(until_ms=1_763_625_600_000 + 7_200_000),
            ["08:00 · eve is banned from #lobby until 10:00 today"],
        ),
        (
            "/ban eve 2 hours",
            pb.BanMemberRequest(room=WHERE, user=EVE, reason="2 hours"),
            pb.BanMemberResponse(until_ms=FOREVER),
            ["08:00 · eve is banned from #lobby for ever"],
        ),
        (
            "/unban bob",
            pb.UnbanMemberRequest(room=WHERE, user=BOB),
            None,
            ["08:00 · bob may come to #lobby again."],
        ),
        (
            "/mute bob 10m",
            pb.MuteMemberRequest(room=WHERE, user=BOB, duration_ms=600_000),
            pb.MuteMemberResponse(until_ms=1_763_625_600_000 + 600_000),
            ["08:00 · bob is muted in #lobby until 08:10 today"],
        ),
        (
            "/unmute bob",
            pb.UnmuteMemberRequest(room=WHERE, user=BOB),
            None,
            ["08:00 · bob may speak in #lobby again."],
        ),
    ],
)
def test_orders_are_one_call_about_the_current_room(
    line: str, request_: Message, answer: Message | None, told: list[str]
) -> None:
    """What no event tells is said: until when. A duration is one with its unit."""

    async def story() -> None:
        async with seated() as (anna, calls):
            if answer:
                calls.answers(type(request_).__name__.removesuffix("Request"), answer)
            assert await anna.types(line) == told
            assert calls.request() == request_

    run(story())


def test_a_reason_has_its_bounds() -> None:
    """It is said before anything is done."""

    async def story() -> None:
        async with seated() as (anna, calls):
            assert "at most 390 bytes" in (await anna.types(f"/kick bob {'é' * 196}"))[0]
            assert calls.came == []

    run(story())


def test_who_is_restricted_is_listed() -> None:
    """What still holds, by whom and why."""

    async def story() -> None:
        async with seated() as (anna, calls):
            assert await anna.types("/bans") == [
                "08:00 · Nobody is banned from #lobby or muted in it."
            ]
            one = pb.Restriction(
                user=chat_pb2.User(name="bob"), banned_until_ms=1, muted_until_ms=FOREVER,
                by=chat_pb2.User(), reason="spam",
            )  # fmt: skip
            calls.answers("ListRestrictions", pb.ListRestrictionsResponse(restrictions=[one]))
            title, row = await anna.types("/bans")
            assert title == "08:00 · banned from #lobby or muted in it"
            assert row.split("  ") == [
                "",
                "",
                "",
                "bob",
                "muted for ever",
                "by the operator",
                "spam",
            ]

    run(story())


# ------------------------------------------------------------------------- deleting


def message(seq: int, author: str, text: str) -> chat_pb2.ListMessagesResponse:
    """Make the page that holds one message."""
    ids = {"anna": "u1", "bob": "u2"}
    event = chat_pb2.RoomEvent(
        room_id="r1", seq=seq, author=chat_pb2.User(user_id=ids[author], name=author),
        message=chat_pb2.Message(text=text),
    )  # fmt: skip
    return chat_pb2.ListMessagesResponse(events=[event])


def test_the_own_last_message_is_deleted_without_a_question() -> None:
    """The last of this room that is not deleted."""

    async def story() -> None:
        async with seated() as (anna, calls):
            assert "You said nothing here" in (await anna.types("/delete"))[0]
            anna.told(said(1, "anna", "one"), said(2, "anna", "two"), said(3, "bob", "three"))
            calls.answers("DeleteMessage", pb.DeleteMessageResponse(seq=4))
            assert await anna.types("/delete") == []
            assert calls.request() == pb.DeleteMessageRequest(room=WHERE, seq=2)
            assert anna.screen.asked == []

    run(story())


def test_a_message_is_deleted_by_its_number() -> None:
    """The own one at once; that of somebody else when a yes was typed, and only then."""

    async def story() -> None:
        async with seated() as (anna, calls):
            calls.answers("ListMessages", *[message(7, "anna", "mine")])
            calls.answers("DeleteMessage", *[pb.DeleteMessageResponse(seq=9)] * 3)
            await anna.types("/delete 7 a slip")
            assert calls.request() == pb.DeleteMessageRequest(room=WHERE, seq=7, reason="a slip")
            for answer, deleted in (("y", True), ("n", False), ("", False), ("yeah", False)):
                calls.answers("ListMessages", message(8, "bob", "spam\nmore"))
                calls.came.clear()
                anna.screen.answers.put_nowait(answer)
                told = await anna.types("/delete 8")
                assert told == ([] if deleted else ["08:00 · Nothing is deleted."])
                assert len(calls.came) == 1 + deleted
            assert {question for question, _ in anna.screen.asked} == {
                "Delete what bob said: spam (y/n) "
            }
            calls.answers("ListMessages", message(8, "bob", "spam"))
            anna.screen.answers.put_nowait(None)
            assert "cancelled" in (await anna.types("/delete 8"))[0]

    run(story())


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (chat_pb2.ListMessagesResponse(), "number of no message"),
        (
            chat_pb2.ListMessagesResponse(
                events=[chat_pb2.RoomEvent(seq=7, topic=chat_pb2.TopicChange(topic="x"))]
            ),
            "number of no message",
        ),
        (
            chat_pb2.ListMessagesResponse(
                events=[chat_pb2.RoomEvent(seq=7, tombstone=chat_pb2.Tombstone())]
            ),
            "deleted already",
        ),
    ],
)
def test_what_is_no_message_is_not_deleted(page: chat_pb2.ListMessagesResponse, words: str) -> None:
    """A number that is not known, that of another event, and that of a mark."""

    async def story() -> None:
        async with seated() as (anna, calls):
            calls.answers("ListMessages", page)
            assert words in (await anna.types("/delete 7"))[0]
            assert len(calls.came) == 1
            assert "/numbers" in (await anna.types("/delete spam"))[0]

    run(story())


def test_a_deletion_that_came_too_late_is_told() -> None:
    """Somebody else was faster."""

    async def story() -> None:
        async with seated() as (anna, _):
            anna.told(said(1, "anna", "one"))
            assert await anna.types("/delete") == ["08:00 · Message 1 was deleted before."]

    run(story())


def test_an_own_message_in_a_conversation_is_deleted_too() -> None:
    """There is no moderator in it."""

    async def story() -> None:
        async with seated() as (anna, calls):
            anna.told(opened(WITH_BOB), live(0, WITH_BOB), said(1, "anna", "oops", WITH_BOB))
            anna.state.move_to("r3")
            await anna.types("/delete")
            room = chat_pb2.RoomTarget(room_id="r3")
            assert calls.request() == pb.DeleteMessageRequest(room=room, seq=1)

    run(story())


def test_what_was_not_sent_yet_is_taken_back_first() -> None:
    """Then nobody ever sees it; it comes back to the line."""

    async def story() -> None:
        async with seated() as (anna, calls):
            await anna.types("first", "second")
            post = anna.person.writes_post()
            assert await anna.types("/delete") == ["08:00 · Taken back before it was sent."]
            assert anna.screen.input == "second"
            anna.told(acked(post, 1), said(1, "anna", "first", client_msg_id=post.client_msg_id))
            await anna.types("/delete")
            assert calls.request() == pb.DeleteMessageRequest(room=WHERE, seq=1)

    run(story())


def test_numbers_of_messages_are_shown() -> None:
    """They are what /delete takes."""

    async def story() -> None:
        anna = Seat()
        lines = await anna.types("/numbers")
        assert lines[1:3] == ["08:00 1 bob: old", "08:00 2 anna: mine ✓"]
        assert anna.connection.asked[-1].endswith("20")
        assert "/numbers takes" in (await anna.types("/numbers x"))[0]

    run(story())


@pytest.mark.parametrize("command", ["kick", "ban", "mute"])
def test_nobody_keeps_order_over_oneself(command: str) -> None:
    """The server is not asked."""

    async def story() -> None:
        async with seated() as (anna, calls):
            words = f"08:00 · /{command} is for others, and Anna is you."
            assert await anna.types(f"/{command} Anna") == [words]
            assert calls.came == []

    run(story())


def test_the_audit_log_is_shown_with_the_latest_last() -> None:
    """Of this room, or of the server with the rooms named."""

    async def story() -> None:
        async with seated() as (anna, calls):
            eve = chat_pb2.User(user_id="u3", name="eve")
            entries = [
                pb.AuditEntry(action="mute", actor=eve, target=chat_pb2.User(name="bob"),
                              until_ms=FOREVER, reason="spam", room_name="lobby"),
                pb.AuditEntry(action="lockdown", actor=chat_pb2.User(), details="guests"),
                pb.AuditEntry(action="room", actor=eve, details="slow_mode_ms=20000"),
            ]  # fmt: skip
            page = pb.ListAuditEntriesResponse(entries=entries)
            calls.answers("ListAuditEntries", page, page, pb.ListAuditEntriesResponse())
            title, *rows = await anna.types("/audit")
            assert title == "08:00 · what was done in #lobby, the latest last"
            assert [row.split("  ")[-1] for row in rows] == [
                "eve set slow mode to 20 s",
                "the operator lockdown guests",
                "eve muted bob for ever: spam",
            ]
            assert calls.request() == pb.ListAuditEntriesRequest(room=WHERE, page_size=100)
            assert (await anna.types("/audit server"))[3].endswith("bob in lobby for ever: spam")
            assert calls.request() == pb.ListAuditEntriesRequest(page_size=100)
            nothing = "08:00 · Nothing was done on the server to keep order."
            assert await anna.types("/audit server") == [nothing]
            assert "/audit [room|server]" in (await anna.types("/audit all"))[0]

    run(story())


def test_where_pastes_are_not_marked_it_is_asked_first() -> None:
    """Somebody may have hidden the command in a text; a yes does it."""

    async def story() -> None:
        async with seated() as (anna, calls):
            anna.screen.tells_pastes = False
            anna.screen.answers.put_nowait("hello all")
            assert await anna.types("/kick bob spam") == ["08:00 · Nothing is done."]
            assert calls.came == []
            anna.screen.answers.put_nowait("y")
            await anna.types("/kick bob spam")
            assert anna.screen.asked[-1] == ("Do this: /kick bob spam (y/n) ", None)
            assert calls.request() == pb.KickMemberRequest(room=WHERE, user=BOB, reason="spam")

    run(story())
