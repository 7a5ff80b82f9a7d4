"""`chat_cli.session.wire`: the contract's messages and the client's words are the same."""

from chat_cli import items as it
from chat_cli import model, pending
from chat_cli.session import wire
from chat_protos.chat.v1 import chat_pb2 as pb

ANNA = pb.User(user_id="u1", name="anna", connected=True)


def read(**item: object) -> list[it.StreamItem]:
    """Read a frame of one item."""
    message = pb.StreamItem(**item)  # type: ignore[arg-type]  # one field, chosen by the test
    return list(wire.items(pb.ChatResponse(items=[message])))


def test_items_are_read_in_their_order() -> None:
    """Each kind becomes its fact."""
    event = pb.RoomEvent(
        room_id="r1",
        seq=3,
        time_ms=5,
        author=ANNA,
        message=pb.Message(text="waves", style=pb.MESSAGE_STYLE_ACTION, client_msg_id="c"),
    )
    user = model.User("u1", "anna", True)
    room = pb.Room(room_id="r1", kind=pb.ROOM_KIND_DIRECT, head_seq=9, members=[ANNA])
    frame = pb.ChatResponse(
        items=[
            pb.StreamItem(welcome=pb.Welcome(epoch="e", user=ANNA, session_id="s")),
            pb.StreamItem(opened=pb.RoomOpened(room=room, after_seq=2)),
            pb.StreamItem(event=event),
            pb.StreamItem(live=pb.Live(room_id="r1", seq=3)),
            pb.StreamItem(gap=pb.Gap(room_id="r1", after_seq=1, first_seq=3)),
            pb.StreamItem(reset=pb.Reset(epoch="e2")),
            pb.StreamItem(closed=pb.RoomClosed(room_id="r1")),
        ]
    )
    body = model.Said("waves", True, "c")
    info = model.RoomInfo("r1", model.RoomKind.DIRECT, head_seq=9, members=(user,))
    assert list(wire.items(frame)) == [
        it.Welcome("e", user),
        it.RoomOpened(info, 2),
        it.EventArrived(model.RoomEvent("r1", 3, 5, user, body)),
        it.Live("r1", 3),
        it.Gap("r1", 1, 3),
        it.Reset("e2"),
        it.RoomClosed("r1"),
    ]


def test_events_that_keep_order_are_read() -> None:
    """Each kind of body becomes its fact, and what a change leaves out stays out."""
    bob = model.User("u2", "bob")
    them = pb.User(user_id="u2", name="bob")

    def body(**parts: object) -> model.Body | None:
        event = pb.RoomEvent(room_id="r1", seq=1, author=ANNA, **parts)  # type: ignore[arg-type]
        return wire.event(event).body

    assert body(tombstone=pb.Tombstone()) == model.Tombstone()
    gone = pb.Deletion(seq=4, author=them, reason="spam")
    assert body(deletion=gone) == model.Deleted(4, bob, "spam")
    role = pb.RoleChange(user=them, role=pb.ROLE_OWNER)
    assert body(role=role) == model.RoleChanged(bob, model.Role.OWNER)
    out = pb.Removal(user=them, reason="spam", banned=True, until_ms=9)
    assert body(removal=out) == model.Removed(bob, "spam", True, 9)
    change = pb.RoomChange(name="x", archived=False, history=pb.HISTORY_POLICY_FROM_JOIN)
    assert body(change=change) == model.RoomChanged(
        "x", archived=False, history=model.HistoryPolicy.FROM_JOIN
    )
    assert body(change=pb.RoomChange(description="", slow_mode_ms=0, topic_locked=True)) == (
        model.RoomChanged(description="", slow_mode_ms=0, topic_locked=True)
    )
    assert body(withheld=pb.Withheld()) == model.Withheld()


def test_closings_mutes_and_invitations_are_read() -> None:
    """By whom, why and until when; a reason that this client does not know is a leaving."""
    them = pb.User(user_id="u2", name="bob", bot=True)
    bob = model.User("u2", "bob", bot=True)
    closed = pb.RoomClosed(
        room_id="r", reason=pb.CLOSE_REASON_BANNED, text="spam", by=them, until_ms=7
    )
    assert read(closed=closed) == [it.RoomClosed("r", it.CloseReason.BANNED, "spam", bob, 7)]
    closed = pb.RoomClosed(room_id="r", reason=99)  # type: ignore[arg-type]  # from a later server
    assert read(closed=closed) == [it.RoomClosed("r")]
    mute = pb.Notice(kind=pb.NOTICE_KIND_MUTED, text="hush", room_id="r", until_ms=7)
    assert read(notice=mute) == [it.Muted("r", 7, "hush")]
    end = pb.Notice(kind=pb.NOTICE_KIND_UNMUTED, room_id="r")
    assert read(notice=end) == [it.Unmuted("r")]
    asked = pb.Invitation(room_id="r", name="plan", inviter=them, time_ms=7)
    assert read(invitation=asked) == [it.Invited(model.Invitation("r", "plan", bob, 7))]


def test_rooms_are_read_with_all_that_they_are() -> None:
    """What members see, and what they may do."""
    room = pb.Room(
        room_id="r", kind=pb.ROOM_KIND_PRIVATE, name="plan", description="d", archived=True,
        slow_mode_ms=5, history=pb.HISTORY_POLICY_FROM_JOIN, topic_locked=True, has_password=True,
        role=pb.ROLE_MODERATOR, muted_until_ms=6,
    )  # fmt: skip
    assert wire.room(room) == model.RoomInfo(
        "r", model.RoomKind.PRIVATE, "plan", description="d", archived=True, slow_mode_ms=5,
        history=model.HistoryPolicy.FROM_JOIN, topic_locked=True, has_password=True,
        role=model.Role.MODERATOR, muted_until_ms=6,
    )  # fmt: skip
    assert wire.role(99) is model.Role.MEMBER


def test_a_private_room_is_entered_by_code_or_password() -> None:
    """The code stands for the room; neither is in what is printed of an order."""
    by_code = pending.PendingOrder("o", pending.JoinRoom(model.ByCode("sesame"), 5))
    join = wire.request(by_code).join_room
    assert join.invite_code == "sesame"
    assert not join.position.HasField("room")
    by_password = pending.PendingOrder("o", pending.JoinRoom(model.ById("r"), 5, "sesame"))
    join = wire.request(by_password).join_room
    assert (join.password, join.position.room.room_id) == ("sesame", "r")
    assert "sesame" not in repr(by_code) + repr(by_password)


def test_answers_and_news_are_read() -> None:
    """Delays become seconds, and the names that an error is about join its sentence."""
    ack = pb.Ack(order_id="o", room_id="r", seq=4, client_msg_id="c", duplicate=True, time_ms=7)
    assert read(ack=ack) == [it.Acked("o", "r", 4, 7, "c", True)]
    error = pb.Error(
        order_id="o", code=5, reason="R", message="nobody", metadata={"names": "dave"},
        retry_after_ms=1500, client_msg_id="c", room_id="r",
    )  # fmt: skip
    assert read(error=error) == [it.Refused(5, "R", "nobody: dave", "o", "c", "r", 1.5)]
    presence = pb.Presence(room_id="r", snapshot=True, joined=[ANNA], left=[ANNA], total=7)
    user = model.User("u1", "anna", True)
    assert read(presence=presence) == [it.Presence("r", True, (user,), (user,), 7)]
    notice = pb.Notice(kind=pb.NOTICE_KIND_DRAINING, text="x", retry_after_ms=2500)
    assert read(notice=notice) == [it.Notice("x", True, 2.5)]
    notice = pb.Notice(kind=pb.NOTICE_KIND_ANNOUNCEMENT, text="x")
    assert read(notice=notice) == [it.Notice("x", announcement=True)]


def test_unknown_kinds_do_no_harm() -> None:
    """An item of a newer contract is left out; an event of one counts as seen."""
    newer = pb.StreamItem.FromString(b"\xa2\x06\x02hi")
    assert list(wire.items(pb.ChatResponse(items=[newer]))) == []
    event = wire.event(pb.RoomEvent(room_id="r", seq=1, author=ANNA))
    assert event.body is None


def test_limits_have_defaults_but_for_the_rate() -> None:
    """A server that leaves a figure out means the contract's; no burst means no rate limits."""
    assert wire.limits(pb.Limits()) == model.Limits(send_burst=0)
    assert wire.limits(pb.Limits(text_bytes=9, send_burst=3)).text_bytes == 9


def test_a_position_without_a_seq_has_none() -> None:
    """0 is from the beginning, nothing is not read yet: the field's presence tells."""
    fresh = wire.position(model.Position(model.ByName("lobby"), None, 50))
    assert not fresh.HasField("after_seq")
    from_start = wire.position(model.Position(model.ById("r1"), 0, 50))
    assert from_start.HasField("after_seq")
    assert from_start.room.room_id == "r1"


def test_orders_are_written_with_their_ids() -> None:
    """A post carries its id twice, so that ack and error both name it."""
    post = pending.PendingPost("c-1", model.Direct(("bob", "carol")), "hi", True, "u1")
    request = wire.request(post)
    assert request.order_id == request.post.client_msg_id == "c-1"
    assert list(request.post.room.direct.names) == ["bob", "carol"]
    assert request.post.style == pb.MESSAGE_STYLE_ACTION
    join = wire.request(pending.PendingOrder("o", pending.JoinRoom(model.ByName("dev"), 50)))
    assert join.join_room.position.room.room_name == "dev"
    assert join.join_room.position.recent == 50
    leave = wire.request(pending.PendingOrder("o", pending.LeaveRoom("r1")))
    assert leave.leave_room.room.room_id == "r1"
    topic = wire.request(pending.PendingOrder("o", pending.SetTopic("r1", "")))
    assert topic.WhichOneof("order") == "set_topic"
