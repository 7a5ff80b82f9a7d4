"""`chat_cli.session.session`: the connection against a service in memory.

Each test is a short story of a person at the client and what the service does to them.
"""

import asyncio
import time
from pathlib import Path

import grpc

from chat_cli.state import Link
from chat_protos.chat.v1 import chat_pb2 as pb
from tests.cli.desk import Desk, run
from tests.cli.fake_service import EndError, FakeService


def test_two_people_talk(tmp_path: Path) -> None:
    """Each sees the other's words once and the own ones once, with their mark."""

    async def story() -> None:
        async with (
            FakeService() as fake,
            Desk(fake.target, "anna", tmp_path) as anna,
            Desk(fake.target, "bob", tmp_path) as bob,
        ):
            await anna.settled()
            await bob.settled()
            anna.types("hello")
            bob.types("/me waves")
            await bob.sees("anna: hello")
            await anna.sees("* bob waves")
            await anna.sees("anna: hello ✓")
            await bob.sees("* bob waves ✓")
            await asyncio.gather(anna.settled(), bob.settled())
            assert anna.seen("hello") == bob.seen("hello") == 1
            assert anna.seen("waves") == bob.seen("waves") == 1

    run(story())


def test_the_first_hello_names_what_is_entered_and_the_next_positions(tmp_path: Path) -> None:
    """The room is joined by order; a reconnect says what was read, with recent beside it."""

    async def story() -> None:
        async with FakeService() as fake, Desk(fake.target, "anna", tmp_path) as anna:
            await anna.settled()
            fake.say("bob", "one")
            await anna.sees("bob: one")
            fake.end_streams()
            await anna.sees("back, nothing missed")
            first, second = fake.hellos
            lobby = pb.RoomPosition(room=pb.RoomTarget(room_name="lobby"), recent=50)
            assert first == pb.Hello(epoch="e1", rooms=[lobby], joined_recent=0)
            assert second.epoch == "e1"
            (position,) = second.rooms
            assert position.room.room_id == fake.room("lobby").room_id
            assert (position.after_seq, position.recent) == (1, 50)

    run(story())


def test_a_server_that_comes_back_is_resumed(tmp_path: Path) -> None:
    """What was said meanwhile and what was typed meanwhile both arrive, once."""

    async def story() -> None:
        async with FakeService() as fake, Desk(fake.target, "anna", tmp_path) as anna:
            await anna.settled()
            await fake.stop()
            await anna.sees("disconnected (connection lost)")
            fake.say("bob", "one")
            fake.say("bob", "two")
            anna.types("mine")
            anna.types("mine too")
            await fake.start()
            await anna.sees("anna: mine too ✓")
            await anna.settled()
            assert anna.seen("disconnected") == 1
            assert anna.seen("back, 2 messages caught up") == 1
            assert [
                line[6:] for line in anna.screen.lines if "bob:" in line or "anna:" in line
            ] == [
                "bob: one",
                "bob: two",
                "anna: mine ✓",
                "anna: mine too ✓",
            ]
            # The same session and user all the time.
            assert len(fake.joins) == 1

    run(story())


def test_an_ack_that_was_lost_makes_no_second_message(tmp_path: Path) -> None:
    """The post is repeated with its id until it is answered, and shown once."""

    async def story() -> None:
        fake = FakeService(swallow_acks=3)
        async with fake, Desk(fake.target, "anna", tmp_path) as anna:
            await anna.settled()
            anna.types("once")
            anna.types("twice")
            await anna.sees("anna: twice ✓")
            await anna.settled()
            assert anna.seen("anna: once") == anna.seen("anna: twice") == 1
            assert [event.message.text for event in fake.room("lobby").events] == ["once", "twice"]

    run(story())


def test_a_rate_limit_is_obeyed_in_order(tmp_path: Path) -> None:
    """The refused message is sent again after its delay, and the later ones wait for it."""

    async def story() -> None:
        slow = pb.Error(code=8, reason="RATE_LIMITED", message="slow down", retry_after_ms=30)
        fake = FakeService(refuse_posts=[None, slow, slow])
        async with fake, Desk(fake.target, "anna", tmp_path) as anna:
            await anna.settled()
            began = time.monotonic()
            for text in ("one", "two", "three"):
                anna.types(text)
            await anna.sees("anna: three ✓")
            assert time.monotonic() - began >= 0.06
            texts = [event.message.text for event in fake.room("lobby").events]
            assert texts == ["one", "two", "three"]
            assert anna.seen("slow down") == 0

    run(story())


def test_without_rate_limits_posts_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """All are in flight before the first answer."""

    async def story() -> None:
        async with (
            FakeService(send_burst=0) as fake,
            Desk(fake.target, "anna", tmp_path) as anna,
        ):
            await anna.settled()
            for number in range(40):
                anna.types(f"n{number}")
            await anna.sees("anna: n39 ✓")
            texts = [event.message.text for event in fake.room("lobby").events]
            assert texts == [f"n{number}" for number in range(40)]

    run(story())


def test_a_refused_message_returns_to_the_input(tmp_path: Path) -> None:
    """The names that the error is about are in the line."""

    async def story() -> None:
        async with FakeService() as fake, Desk(fake.target, "anna", tmp_path) as anna:
            await anna.settled()
            anna.types("/msg dave hi")
            await anna.sees("there is nobody here of that name: dave")
            assert anna.screen.input == "/msg dave hi"

    run(story())


def test_a_taken_name_is_asked_for_again(tmp_path: Path) -> None:
    """The next line is the name; the room that was asked for is entered then."""

    async def story() -> None:
        async with FakeService() as fake:
            fake.user("anna")
            async with Desk(fake.target, "anna", tmp_path) as anna:
                await anna.sees("this name is taken")
                assert anna.state.link is Link.NAMELESS
                anna.types("  ")
                anna.types("not good!")
                await anna.sees("a bad name")
                anna.types("anna-2")
                await anna.sees("You are anna-2")
                await anna.settled()
                assert anna.state.current_label() == "#lobby"

    run(story())


def test_an_expired_identity_joins_anew_and_sends_nothing_old(tmp_path: Path) -> None:
    """The name is the same, the user another one; what waited fails and comes back."""

    async def story() -> None:
        async with FakeService() as fake, Desk(fake.target, "anna", tmp_path) as anna:
            await anna.settled()
            fake.say("bob", "psst", fake.direct("anna", "bob"))
            await anna.sees("@bob bob: psst")
            await fake.stop()
            await anna.sees("disconnected")
            anna.types("of the old one")
            fake.forget_everybody()
            await fake.start()
            await anna.sees("this is a new anna")
            await anna.sees("not sent: of the old one")
            await anna.sees("back, nothing missed")
            assert anna.screen.input == "of the old one"
            anna.types("of the new one")
            await anna.sees("anna: of the new one ✓")
            texts = [event.message.text for event in fake.room("lobby").events]
            assert texts == ["of the new one"]
            assert "@bob" not in [anna.state.label(n) for n in anna.state.rooms]

    run(story())


def test_a_server_that_refuses_the_token_is_asked_again_soon(tmp_path: Path) -> None:
    """The delay that grew while nobody answered is no measure for one that answers."""

    async def story() -> None:
        async with FakeService() as fake, Desk(fake.target, "anna", tmp_path) as anna:
            await anna.settled()
            await fake.stop()
            await anna.client.wait_until(lambda: len(anna.backoff.given) >= 5)
            assert max(anna.backoff.given) > 0.1
            fake.forget_everybody()
            await fake.start()
            await anna.sees("this is a new anna")
            assert anna.backoff.given[-1] == 0.01

    run(story())


def test_an_expired_identity_whose_name_is_gone_asks(tmp_path: Path) -> None:
    """Somebody else has the name now."""

    async def story() -> None:
        async with FakeService() as fake, Desk(fake.target, "anna", tmp_path) as anna:
            await anna.settled()
            fake.forget_everybody()
            fake.user("anna")
            fake.end_streams(grpc.StatusCode.UNAUTHENTICATED, "SESSION_ENDED")
            await anna.sees("this name is taken")
            anna.types("annika")
            await anna.sees("this is a new annika")

    run(story())


def test_a_replaced_stream_stays_away_until_enter(tmp_path: Path) -> None:
    """No attempt is made by itself; an empty line takes the session back."""

    async def story() -> None:
        async with FakeService() as fake, Desk(fake.target, "anna", tmp_path) as anna:
            await anna.settled()
            fake.end_streams(grpc.StatusCode.ABORTED, "SESSION_REPLACED")
            await anna.sees("Another client took over this session")
            anna.types("typed meanwhile")
            for _ in range(20):
                await asyncio.sleep(0)
            assert len(fake.hellos) == 1
            anna.types("")
            await anna.sees("anna: typed meanwhile ✓")
            assert len(fake.hellos) == 2

    run(story())


def test_a_removed_user_stays_away_until_enter(tmp_path: Path) -> None:
    """No attempt is made by itself; an empty line signs in as somebody new."""

    async def story() -> None:
        async with FakeService() as fake, Desk(fake.target, "anna", tmp_path) as anna:
            await anna.settled()
            fake.say("bob", "psst", fake.direct("anna", "bob"))
            await anna.sees("@bob bob: psst")
            fake.kick_everybody()
            await anna.sees("Ended by the test")
            await anna.sees("Enter signs in again")
            for _ in range(20):
                await asyncio.sleep(0)
            assert len(fake.hellos) == 1
            assert not anna.session._identity.token
            anna.types("")
            await anna.sees("You are back: this is a new anna")
            await anna.settled()
            anna.types("hello again")
            await anna.sees("anna: hello again ✓")
            assert len(fake.hellos) == 2
            assert "@bob" not in [anna.state.label(n) for n in anna.state.rooms]

    run(story())


def test_an_own_attempt_that_was_given_up_takes_nothing_over(tmp_path: Path) -> None:
    """Its Hello, heard late, ends the later stream: the client comes back from that, once."""

    async def story() -> None:
        async with FakeService() as fake, Desk(fake.target, "anna", tmp_path) as anna:
            await anna.settled()
            fake.welcome.clear()
            fake.end_streams()
            await fake.until(lambda: len(fake.hellos) == 2)
            await fake.stop()
            fake.welcome.set()
            await fake.start()
            for _ in range(2):
                await anna.until(lambda: anna.state.link is Link.ONLINE, "online")
                fake.end_streams(grpc.StatusCode.ABORTED, "SESSION_REPLACED")
                await anna.until(lambda: anna.state.link is not Link.ONLINE, "gone")
            await anna.sees("Another client took over this session")
            assert len(fake.hellos) == 4

    run(story())


def test_other_data_on_the_server_is_told(tmp_path: Path) -> None:
    """Ids of the former life are not used; the room is entered by its name."""

    async def story() -> None:
        async with FakeService() as fake, Desk(fake.target, "anna", tmp_path) as anna:
            await anna.settled()
            fake.say("bob", "before")
            await anna.sees("bob: before")
            fake.room("kitchen")
            fake.replace_data("e2")
            fake.rooms.clear()
            # The id of the old lobby is that of a kitchen now.
            fake._count = 0
            fake.room("kitchen")
            fake.say("bob", "afterwards", fake.room("lobby"))
            fake.end_streams()
            await anna.sees("The server's data was replaced")
            await anna.sees("bob: afterwards")
            anna.types("in the lobby")
            await anna.sees("anna: in the lobby ✓")
            assert fake.room("lobby").events[-1].message.text == "in the lobby"
            assert anna.state.epoch == "e2"

    run(story())


def test_a_hole_is_read_again(tmp_path: Path) -> None:
    """An event that the server left out comes with the next stream."""

    async def story() -> None:
        async with FakeService(skip_seqs={2}) as fake, Desk(fake.target, "anna", tmp_path) as anna:
            await anna.settled()
            for text in ("one", "two", "three"):
                fake.say("bob", text)
            await anna.sees("bob: three")
            said = [line[6:] for line in anna.screen.lines if "bob: " in line]
            assert said == ["bob: one", "bob: two", "bob: three"]
            assert anna.seen("reading it again") == 1
            assert len(fake.hellos) == 2

    run(story())


def test_a_room_that_lost_its_end_is_reset_alone(tmp_path: Path) -> None:
    """An in-band OUT_OF_RANGE begins that room with its newest events."""

    async def story() -> None:
        async with FakeService() as fake, Desk(fake.target, "anna", tmp_path) as anna:
            await anna.settled()
            for number in range(3):
                fake.say("bob", f"n{number}")
            await anna.sees("bob: n2")
            del fake.room("lobby").events[1:]
            fake.end_streams()
            await anna.sees("is shorter than what was read")
            await anna.sees("bob: n0", times=2)
            fake.say("bob", "on we go")
            await anna.sees("bob: on we go")

    run(story())


def test_a_gap_is_one_line(tmp_path: Path) -> None:
    """What is no longer kept is named after a reconnect."""

    async def story() -> None:
        async with FakeService() as fake, Desk(fake.target, "anna", tmp_path) as anna:
            await anna.settled()
            await fake.stop()
            await anna.sees("disconnected")
            for number in range(1, 9):
                fake.say("bob", f"n{number}")
            fake.kept_from = 6
            await fake.start()
            await anna.sees("5 older messages of #lobby are no longer kept")
            await anna.sees("back, 3 messages caught up")

    run(story())


def test_a_draining_server_says_when_to_return(tmp_path: Path) -> None:
    """The notice gives the reason and the delay, in one line."""

    async def story() -> None:
        async with FakeService() as fake, Desk(fake.target, "anna", tmp_path) as anna:
            await anna.settled()
            kind = pb.NOTICE_KIND_DRAINING
            fake.tell(pb.StreamItem(notice=pb.Notice(kind=kind, text="x", retry_after_ms=40)))
            began = time.monotonic()
            fake.end_streams()
            await anna.sees("disconnected (the server was stopped)")
            await anna.sees("back, nothing missed")
            assert time.monotonic() - began >= 0.04

    run(story())


def test_a_retry_delay_of_join_is_obeyed(tmp_path: Path) -> None:
    """The server's sentence is shown, and the next attempt is not earlier than it asked."""

    async def story() -> None:
        full = EndError(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many guests", "RATE_LIMITED", 50)
        async with FakeService(refuse_joins=[full]) as fake:
            began = time.monotonic()
            async with Desk(fake.target, "anna", tmp_path) as anna:
                await anna.sees("too many guests, trying again")
                await anna.settled()
                assert time.monotonic() - began >= 0.05

    run(story())


def test_an_end_in_the_middle_of_signing_in_leaves_no_session(tmp_path: Path) -> None:
    """The answer is waited for, so that what the server opened can be signed out."""

    async def story() -> None:
        async with FakeService() as fake:
            fake.answer_joins.clear()
            async with Desk(fake.target, "anna", tmp_path) as anna:
                await fake.until(lambda: bool(fake.sessions))
                crash = asyncio.create_task(anna.crash())
                await asyncio.sleep(0)
                fake.answer_joins.set()
                await crash
            assert len(fake.signed_out) == 1
            assert fake.sessions == {}

    run(story())


def test_a_cancel_by_the_server_is_a_lost_connection(tmp_path: Path) -> None:
    """Status CANCELLED does not end the client."""

    async def story() -> None:
        async with FakeService() as fake, Desk(fake.target, "anna", tmp_path) as anna:
            await anna.settled()
            fake.end_streams(grpc.StatusCode.CANCELLED)
            await anna.sees("back, nothing missed")

    run(story())


def test_what_is_no_chat_server_is_said_once(tmp_path: Path) -> None:
    """A server without the service ends the attempts with one line."""

    async def story() -> None:
        server = grpc.aio.server()
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            async with Desk(f"127.0.0.1:{port}", "anna", tmp_path) as anna:
                await anna.until(lambda: anna.state.link is Link.STOPPED)
                assert "no chat server" in anna.state.unusable
        finally:
            await server.stop(None)

    run(story())


def test_lists_come_from_all_pages(tmp_path: Path) -> None:
    """Users, rooms and history are asked for page by page."""

    async def story() -> None:
        async with FakeService() as fake, Desk(fake.target, "anna", tmp_path) as anna:
            await anna.settled()
            for name in ("bob", "carol"):
                fake.user(name)
            fake.room("dev")
            for number in range(7):
                fake.say("bob", f"n{number}")
            await anna.sees("bob: n6")
            anna.types("/users all")
            await anna.sees("3 on 127.0.0.1")
            anna.types("/rooms")
            await anna.sees("#dev")
            anna.types("/history 5")
            await anna.sees("end of history")
            assert anna.seen("bob: n2") == 2
            assert anna.seen("bob: n1") == 1

    run(story())


def test_lists_without_a_connection_say_so(tmp_path: Path) -> None:
    """A look-up while offline is one line, not an accident."""

    async def story() -> None:
        async with FakeService() as fake, Desk(fake.target, "anna", tmp_path) as anna:
            await anna.settled()
            await fake.stop()
            await anna.sees("disconnected")
            anna.types("/rooms")
            await anna.until(lambda: anna.seen("not connected") + anna.seen("no answer") > 0)

    run(story())


def test_many_reconnects_lose_and_double_nothing(tmp_path: Path) -> None:
    """Streams that break every few messages still give one contiguous list."""

    async def story() -> None:
        async with (
            FakeService(send_burst=0) as fake,
            Desk(fake.target, "anna", tmp_path) as anna,
            Desk(fake.target, "bob", tmp_path) as bob,
        ):
            await asyncio.gather(anna.settled(), bob.settled())
            for number in range(60):
                bob.types(f"n{number}.")
                if number % 6 == 0:
                    fake.end_streams()
                    await bob.sees(f"bob: n{number}.")
            await anna.sees("bob: n59.")
            await bob.sees("bob: n59. ✓")
            for desk in (anna, bob):
                said = [line for line in desk.screen.lines if "bob: n" in line]
                assert [line.split()[2] for line in said] == [f"n{n}." for n in range(60)]

    run(story())


def test_a_fault_inside_of_grpc_is_a_lost_connection(tmp_path: Path) -> None:
    """A write that races the end of a stream shows nothing but that, and nothing is lost."""

    async def story() -> None:
        async with FakeService() as fake, Desk(fake.target, "anna", tmp_path) as anna:
            await anna.settled()
            fake.end_streams(grpc.StatusCode.INTERNAL)
            anna.types("hi")
            await anna.sees("disconnected (connection lost)")
            await anna.sees("anna: hi ✓")
            assert anna.seen("anna: hi") == 1

    run(story())


# ----------------------------------------------------------------- over crashes


def outboxes(root: Path) -> list[Path]:
    """Give the outboxes that are kept."""
    return list(root.rglob("*.jsonl"))


def test_a_killed_client_is_finished_by_the_next(tmp_path: Path) -> None:
    """What the server had stored and what it had not is there once, in order."""

    async def story() -> None:
        async with FakeService() as fake:
            async with Desk(fake.target, "anna", tmp_path) as first:
                await first.settled()
                # After the first the stream breaks, and no other one is welcomed.
                fake.swallow_acks = 1
                fake.welcome.clear()
                first.types("one")
                first.types("two")
                await fake.until(lambda: len(fake.room("lobby").events) == 1)
                await first.sees("disconnected")
                await first.dies()
            fake.welcome.set()
            assert len(outboxes(tmp_path)) == 1
            async with Desk(fake.target, "anna", tmp_path) as again:
                await again.sees("of the last session")
                again.types("three")
                await again.sees("anna: three ✓")
                await again.settled()
                for text in ("one", "two", "three"):
                    assert again.seen(f"anna: {text}") == 1
            texts = [event.message.text for event in fake.room("lobby").events]
            assert texts == ["one", "two", "three"]
            assert outboxes(tmp_path) == []

    run(story())


def test_what_a_killed_client_wrote_is_never_sent_as_somebody_else(tmp_path: Path) -> None:
    """The identity expired meanwhile: it is shown, until the person has seen it."""

    async def story() -> None:
        async with FakeService() as fake:
            async with Desk(fake.target, "anna", tmp_path) as first:
                await first.settled()
                await fake.stop()
                await first.sees("disconnected")
                first.types("of the old one")
                await asyncio.sleep(0)
                await first.dies()
            fake.forget_everybody()
            await fake.start()
            async with Desk(fake.target, "anna", tmp_path) as second:
                await second.sees("not sent: of the old one")
                await second.settled()
                await asyncio.sleep(0)
                # Nobody has looked yet.
                await second.dies()
            async with Desk(fake.target, "anna", tmp_path) as third:
                await third.sees("not sent: of the old one")
                assert third.screen.input == "of the old one"
                await third.settled()
                third.types("of the new one")
                await third.sees("anna: of the new one ✓")
            texts = [event.message.text for event in fake.room("lobby").events]
            assert texts == ["of the new one"]
            assert outboxes(tmp_path) == []

    run(story())


def test_a_dead_window_goes_to_one_of_two(tmp_path: Path) -> None:
    """Both are the same user; one sends what was left, the other shows it as an own message."""

    async def story() -> None:
        async with FakeService() as fake:
            async with Desk(fake.target, "anna", tmp_path) as dead:
                await dead.settled()
                await fake.stop()
                await dead.sees("disconnected")
                dead.types("left behind")
                await asyncio.sleep(0)
                await dead.dies()
            await fake.start()
            async with (
                Desk(fake.target, "anna", tmp_path) as one,
                Desk(fake.target, "anna", tmp_path) as other,
            ):
                for window in (one, other):
                    await window.sees("anna: left behind ✓")
                    await window.settled()
                told = [window.seen("still to be sent") for window in (one, other)]
                assert sorted(told) == [0, 1]
            assert len(fake.room("lobby").events) == 1

    run(story())


def test_without_a_disk_messages_are_sent_all_the_same(tmp_path: Path) -> None:
    """It is said once that they would not survive a crash."""

    async def story() -> None:
        (tmp_path / "outbox").write_text("in the way")
        async with FakeService() as fake, Desk(fake.target, "anna", tmp_path) as anna:
            await anna.settled()
            for text in ("one", "two"):
                anna.types(text)
                await anna.sees(f"anna: {text} ✓")
            assert anna.seen("is not kept over a crash") == 1

    run(story())
