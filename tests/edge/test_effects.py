"""What order does to those who are connected, in the step of its commit."""

import pytest

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_service.core import commands as cmd
from chat_service.core.commands import RoomById, RoomByName, UserByName
from chat_service.core.errors import Reason, RefusedError, Rejection
from chat_service.core.limits import Limits
from chat_service.core.model import FOREVER_MS, RoomKind, Scope, Session
from chat_service.edge.directory import MAX_FAREWELLS, token_hash
from chat_service.edge.stream import Stream
from tests.edge.clients import story
from tests.edge.scene import LOBBY, Scene, post

BOB = UserByName("bob")


@pytest.fixture
def scene() -> Scene:
    """Give a server without clients."""
    return Scene()


def kinds(items: list[pb.StreamItem]) -> list[str]:
    """Return what kinds of items there are, in order."""
    return [item.WhichOneof("item") or "" for item in items]


async def reading(scene: Scene, stream: Stream, *room_ids: int) -> Stream:
    """Have a stream read rooms, and forget what it was told at the beginning."""
    for room_id in room_ids or (LOBBY,):
        stream.read_room(room_id, scene.hub.rooms.head(room_id))
    await scene.told(stream.subscription)
    scene.timers.advance(1)
    await scene.told(stream.subscription)
    return stream


def again(scene: Scene, session: Session) -> Session:
    """Sign in a further client."""
    answer = scene.does(cmd.OpenSession(session.session_id, "", b"2", "here"))
    return scene.directory.state.sessions[answer.session_id]


def private_room(scene: Scene, owner: Session, *others: Session) -> int:
    """Make a private room with these members."""
    made = cmd.CreateRoom(owner.session_id, "den", RoomKind.PRIVATE)
    room_id = scene.does(made).room_id
    for other in others:
        name = UserByName(scene.directory.user_of(other).name)
        scene.does(cmd.InviteUser(owner.session_id, RoomById(room_id), name))
        scene.does(cmd.JoinRoom(other.session_id, RoomById(room_id)))
    return room_id


@pytest.mark.parametrize("is_ban", [False, True])
@story
async def test_removal_reaches_every_window_before_the_next_item(
    scene: Scene, *, is_ban: bool
) -> None:
    """What was queued of the room is gone, and the words are the last that comes of it.

    What was queued of other rooms stays, and so does what is for this client alone.
    """
    alice = scene.joins("alice", "pub")
    pub = RoomByName("pub")
    pub_id = scene.directory.state.room_ids["pub"]
    bob = scene.joins("bob", "pub")
    scene.does(cmd.JoinRoom(bob.session_id, RoomByName("lobby")))
    windows = [
        await reading(scene, scene.stream(one), LOBBY, pub_id) for one in (bob, again(scene, bob))
    ]
    watcher = await reading(scene, scene.stream(alice), pub_id)
    for text in ("one", "two"):
        scene.says(alice, text, pub)
        scene.says(alice, f"{text} in the lobby")
        # To the end of a tick.
        scene.timers.advance(1)
    for window in windows:
        window.send(pb.StreamItem(ack=pb.Ack(order_id="mine", room_id="r2")))
    kick = cmd.KickMember(alice.session_id, pub, BOB, "too loud")
    ban = cmd.BanMember(alice.session_id, pub, BOB, 5000, "too loud")
    scene.does(ban if is_ban else kick)
    scene.says(alice, "he is gone", pub)
    until_ms = scene.clock.ms() + 5000
    for window in windows:
        items = await scene.told(window.subscription)
        assert [item.event.message.text for item in items if item.HasField("event")] == [
            "one in the lobby",
            "two in the lobby",
        ]
        assert kinds(items)[2:] == ["ack", "closed"]
        assert items[-1].closed == pb.RoomClosed(
            room_id=f"r{pub_id}",
            reason=pb.CLOSE_REASON_BANNED if is_ban else pb.CLOSE_REASON_REMOVED,
            text="too loud",
            by=pb.User(user_id=f"u{alice.user_id}", name="alice"),
            until_ms=until_ms if is_ban else 0,
        )
    scene.timers.advance(1)
    told = await scene.told(watcher.subscription)
    removal = next(item.event.removal for item in told if item.event.HasField("removal"))
    assert (removal.user.name, removal.banned, removal.reason) == ("bob", is_ban, "too loud")
    gone = [item.presence for item in told if item.HasField("presence")]
    assert [[user.name for user in one.left] for one in gone] == [["bob"]]


@story
async def test_subscribe_goes_on_after_a_kick_and_not_after_a_ban(scene: Scene) -> None:
    """A public room is read by Subscribe without membership, but not by who is banned from it."""
    alice, bob = scene.joins("alice", "pub"), scene.joins("bob", "pub")
    pub_id = scene.directory.state.room_ids["pub"]
    script = await reading(scene, scene.stream(bob, chat=False), pub_id)
    by, pub = alice.session_id, RoomById(pub_id)
    scene.does(cmd.KickMember(by, pub, BOB, ""))
    scene.says(alice, "heard", pub)
    scene.timers.advance(1)
    removed, heard = await scene.told(script.subscription)
    assert removed.event.HasField("removal")
    assert heard.event.message.text == "heard"
    scene.says(alice, "queued", pub)
    scene.does(cmd.BanMember(by, pub, BOB, 0, "spam"))
    scene.says(alice, "not heard", pub)
    (closed,) = await scene.told(script.subscription)
    assert (closed.closed.reason, closed.closed.text) == (pb.CLOSE_REASON_BANNED, "spam")
    assert closed.closed.until_ms == FOREVER_MS
    script.read_room(pub_id, 0)
    assert await scene.told(script.subscription) == []


@pytest.mark.parametrize("way", ["kick", "leave"])
@story
async def test_private_room_is_read_by_nobody_without_membership(scene: Scene, way: str) -> None:
    """Streams of Subscribe stop too, whichever way the membership ends."""
    alice, bob = scene.joins("alice"), scene.joins("bob")
    den = private_room(scene, alice, bob)
    streams = [await reading(scene, scene.stream(bob, chat=chat), den) for chat in (True, False)]
    scene.says(alice, "queued", RoomById(den))
    if way == "kick":
        scene.does(cmd.KickMember(alice.session_id, RoomById(den), BOB, ""))
    else:
        scene.does(cmd.LeaveRoom(bob.session_id, RoomById(den)))
    scene.says(alice, "not heard", RoomById(den))
    expected = pb.CLOSE_REASON_REMOVED if way == "kick" else pb.CLOSE_REASON_LEFT
    for stream in streams:
        (item,) = await scene.told(stream.subscription)
        assert item.closed.reason == expected


@story
async def test_replay_ends_with_the_removal(scene: Scene) -> None:
    """Who is still being brought up to date gets no further page of the room."""
    alice, bob = scene.joins("alice", "pub"), scene.joins("bob", "pub")
    pub_id = scene.directory.state.room_ids["pub"]
    for number in range(30):
        scene.says(alice, f"old {number}", RoomById(pub_id))
    stream = scene.stream(bob)
    async with scene.reading:
        stream.read_room(pub_id, 0)
        assert kinds(await scene.told(stream.subscription)) == ["welcome", "opened"]
        scene.does(cmd.BanMember(alice.session_id, RoomById(pub_id), BOB, 0, ""))
    assert kinds(await scene.told(stream.subscription)) == ["closed"]


@story
async def test_removal_in_the_commit_of_the_entry(scene: Scene) -> None:
    """Whoever is removed before the entry is answered does not begin to read."""
    alice, bob = scene.joins("alice", "pub"), scene.joins("bob")
    pub_id = scene.directory.state.room_ids["pub"]
    stream = scene.stream(bob)
    await scene.told(stream.subscription)
    scene.asks(
        cmd.JoinRoom(bob.session_id, RoomById(pub_id)),
        cmd.KickMember(alice.session_id, RoomById(pub_id), BOB, ""),
    )
    stream.read_room(pub_id, 0)
    assert await scene.told(stream.subscription) == []


# ----------------------------------------------------------------------- mutes


@story
async def test_muted_user_is_told_and_nobody_else(scene: Scene) -> None:
    """Each window hears of a mute, of a further one, and of its end; the room does not."""
    alice, bob = scene.joins("alice", "pub"), scene.joins("bob", "pub")
    pub_id = scene.directory.state.room_ids["pub"]
    pub, by = RoomById(pub_id), alice.session_id
    windows = [await reading(scene, scene.stream(one)) for one in (bob, again(scene, bob))]
    watcher = await reading(scene, scene.stream(alice), pub_id)
    scene.does(cmd.MuteMember(by, pub, BOB, 5000, "noise"))
    scene.does(cmd.MuteMember(by, pub, BOB, 0, ""))
    scene.does(cmd.UnmuteMember(by, pub, BOB))
    scene.does(cmd.UnmuteMember(by, pub, BOB))
    for window in windows:
        notices = [item.notice for item in await scene.told(window.subscription)]
        assert notices == [
            pb.Notice(
                kind=pb.NOTICE_KIND_MUTED,
                text="you may not speak in pub: noise",
                room_id=f"r{pub_id}",
                until_ms=scene.clock.ms() + 5000,
            ),
            pb.Notice(
                kind=pb.NOTICE_KIND_MUTED,
                text="you may not speak in pub",
                room_id=f"r{pub_id}",
                until_ms=FOREVER_MS,
            ),
            pb.Notice(
                kind=pb.NOTICE_KIND_UNMUTED,
                text="you may speak again in pub",
                room_id=f"r{pub_id}",
            ),
        ]
    assert await scene.told(watcher.subscription) == []


@story
async def test_mute_betrays_no_private_room(scene: Scene) -> None:
    """Who is muted in a private room without being a member does not hear of the room."""
    alice, bob = scene.joins("alice"), scene.joins("bob")
    den = private_room(scene, alice)
    stream = await reading(scene, scene.stream(bob))
    for order in (cmd.MuteMember, cmd.BanMember):
        scene.does(order(alice.session_id, RoomById(den), BOB, 0, ""))
    scene.does(cmd.UnmuteMember(alice.session_id, RoomById(den), BOB))
    assert await scene.told(stream.subscription) == []


@story
async def test_mute_that_was_over_is_lifted_in_silence(scene: Scene) -> None:
    """Making room for a further mute is no news for who was muted long ago."""
    alice, bob = scene.joins("alice", "pub"), scene.joins("bob", "pub")
    scene.joins("carol")
    pub = RoomByName("pub")
    scene.does(cmd.Configure(Limits(bans_per_room=1)))
    scene.does(cmd.MuteMember(alice.session_id, pub, BOB, 1000, ""))
    stream = await reading(scene, scene.stream(bob))
    scene.clock.now += 2
    scene.does(cmd.MuteMember(alice.session_id, pub, UserByName("carol"), 1000, ""))
    assert bob.user_id not in (scene.directory.state.restricted_in.get(2) or ())
    assert await scene.told(stream.subscription) == []


# ------------------------------------------------------------------- deletions


@story
async def test_deleted_message_is_gone_from_what_is_yet_to_be_told(scene: Scene) -> None:
    """From the ring and from a tick that is open; all hear of the deletion in its place."""
    alice, bob = scene.joins("alice", "lobby"), scene.joins("bob", "lobby")
    watcher = await reading(scene, scene.stream(bob))
    before = scene.says(alice, "secret")
    await scene.told(watcher.subscription)
    scene.journal.submit((post(alice, "other secret"),), lambda _: None)
    scene.journal.submit(
        (
            cmd.DeleteMessage(alice.session_id, RoomById(LOBBY), before.seq, "oops"),
            cmd.DeleteMessage(alice.session_id, RoomById(LOBBY), before.seq + 1, ""),
        ),
        lambda _: None,
    )
    scene.commits()
    scene.timers.advance(1)
    items = await scene.told(watcher.subscription)
    assert [item.event.WhichOneof("body") for item in items] == [
        "tombstone",
        "deletion",
        "deletion",
    ]
    assert items[1].event.deletion == pb.Deletion(
        seq=before.seq, author=pb.User(user_id=f"u{alice.user_id}", name="alice"), reason="oops"
    )
    late = scene.stream(alice)
    late.read_room(LOBBY, 0)
    told = [item.event for item in await scene.told(late.subscription) if item.HasField("event")]
    assert [event.WhichOneof("body") for event in told] == ["tombstone"] * 2 + ["deletion"] * 2
    assert not any(b"secret" in event.SerializeToString() for event in told)
    assert (told[0].author.name, told[0].time_ms) == ("alice", before.time_ms)


# ------------------------------------------------------------------ the server


def why_not(scene: Scene, token: str) -> Reason:
    """Return why a token is not valid."""
    with pytest.raises(RefusedError) as refused:
        scene.directory.session_of(token, scene.clock.ms())
    return refused.value.rejection.reason


@story
async def test_session_without_a_stream_is_told_once(scene: Scene) -> None:
    """Who was reconnecting learns by the next call why; then the token is just not valid."""
    carol = scene.joins("carol")
    scene.joins("bob")
    stream = scene.stream(carol)
    for name in ("bob", "carol"):
        scene.does(cmd.KickUser(cmd.OPERATOR, UserByName(name), "spam"))
    with pytest.raises(RefusedError) as refused:
        scene.directory.session_of("bob", scene.clock.ms())
    assert refused.value.rejection == stream.subscription.ended
    assert why_not(scene, "bob") is Reason.TOKEN_INVALID
    assert why_not(scene, "carol") is Reason.TOKEN_INVALID


def test_reasons_are_kept_for_some_alone(scene: Scene) -> None:
    """Of more tokens than are remembered, the oldest are no longer."""
    reason = Rejection(Reason.KICKED, "bye")
    for number in range(MAX_FAREWELLS + 1):
        scene.directory.bid_farewell(token_hash(str(number)), reason)
    assert why_not(scene, "0") is Reason.TOKEN_INVALID
    assert why_not(scene, "1") is Reason.KICKED
    assert why_not(scene, str(MAX_FAREWELLS)) is Reason.KICKED


@story
async def test_banned_user_is_told_in_every_stream(scene: Scene) -> None:
    """The words of the ban, and its end; by whom is told of a kick alone."""
    alice, bob = scene.joins("alice", "lobby"), scene.joins("bob", "lobby")
    watcher = await reading(scene, scene.stream(alice))
    streams = [await reading(scene, scene.stream(bob, chat=chat)) for chat in (True, False)]
    scene.timers.advance(1)
    await scene.told(watcher.subscription)
    scene.says(alice, "queued")
    await scene.told(watcher.subscription)
    scene.does(cmd.BanUser(cmd.OPERATOR, BOB, 5000, "spam"))
    for stream in streams:
        assert stream.subscription.ended == Rejection(
            Reason.BANNED,
            "you are banned from this server: spam",
            metadata=(("until_ms", str(scene.clock.ms() + 5000)),),
        )
        assert not stream.subscription.queued_bytes
    scene.timers.advance(1)
    (item,) = await scene.told(watcher.subscription)
    assert [user.name for user in item.presence.left] == ["bob"]


def an_admin(scene: Scene, name: str) -> Session:
    """Sign in an admin, whose token is its name."""
    scene.does(cmd.Register(0, name, "#", b"", "here", by_operator=True, admin=True))
    user_id = scene.directory.state.user_ids[name]
    answer = scene.does(cmd.SignIn(user_id, "#", "", token_hash(name), "here"))
    return scene.directory.state.sessions[answer.session_id]


@story
async def test_kick_by_an_admin_is_told_with_its_name(scene: Scene) -> None:
    """Whoever is removed learns by whom."""
    ada, bob = an_admin(scene, "ada"), scene.joins("bob")
    stream = scene.stream(bob)
    scene.does(cmd.KickUser(ada.session_id, BOB, ""))
    assert stream.subscription.ended == Rejection(Reason.KICKED, "you were removed by ada")


@story
async def test_account_that_dropped_is_gone_with_its_ban(scene: Scene) -> None:
    """Who counts as present for a while after a drop does not once it is banned."""
    alice, ada = scene.joins("alice", "lobby"), an_admin(scene, "ada")
    scene.does(cmd.JoinRoom(ada.session_id, RoomByName("lobby")))
    stream = await reading(scene, scene.stream(ada))
    watcher = await reading(scene, scene.stream(alice))
    scene.streams.remove(stream)
    stream.close()
    scene.timers.advance(1)
    assert await scene.told(watcher.subscription) == []
    scene.does(cmd.BanUser(cmd.OPERATOR, UserByName("ada"), 0, ""))
    scene.timers.advance(1)
    (item,) = await scene.told(watcher.subscription)
    assert [user.name for user in item.presence.left] == ["ada"]


@story
async def test_network_that_is_banned_is_cut(scene: Scene) -> None:
    """Every stream from there ends, however the address is written, but those of admins."""
    people = [scene.joins(name) for name in ("in", "mapped", "v6", "out", "nowhere")]
    addresses = ("192.0.2.7", "::ffff:192.0.2.9", "2001:db8::1", "198.51.100.1", "")
    streams = [
        scene.stream(one, address=address, chat=number % 2 == 0)
        for number, (one, address) in enumerate(zip(people, addresses, strict=True))
    ]
    ada = scene.stream(an_admin(scene, "ada"), address="192.0.2.8")
    scene.does(cmd.BanNetwork(cmd.OPERATOR, "192.0.2.0/24", 0, "for the log"))
    ends = [stream.subscription.ended for stream in (*streams, ada)]
    words = Rejection(Reason.BANNED, "your network is banned from this server")
    assert ends == [words, words, None, None, None, None]
    assert scene.journal.effects.cut == {"192.0.2.0/24": 2}
    scene.does(cmd.BanNetwork(cmd.OPERATOR, "2001:db8::/32", 0, ""))
    assert streams[2].subscription.ended == words
    assert scene.journal.effects.cut == {"2001:db8::/32": 1}


@story
async def test_admin_who_is_one_no_more_is_cut_too(scene: Scene) -> None:
    """What was open from a banned network by that right alone ends with the right."""
    ada = an_admin(scene, "ada")
    inside, outside = (scene.stream(ada, address=a, chat=False) for a in ("192.0.2.8", ""))
    scene.does(cmd.BanNetwork(cmd.OPERATOR, "192.0.2.0/24", 0, ""))
    scene.does(cmd.SetAdmin(cmd.OPERATOR, UserByName("ada"), admin=False))
    assert inside.subscription.ended is not None
    assert inside.subscription.ended.reason is Reason.BANNED
    assert outside.subscription.ended is None


def test_calls_from_a_banned_network(scene: Scene) -> None:
    """Nobody's token is looked at, but that of an admin who is signed in; until it is over."""
    scene.joins("bob")
    an_admin(scene, "ada")
    scene.does(cmd.BanNetwork(cmd.OPERATOR, "192.0.2.0/24", 5000, ""))
    check = scene.directory.check_address
    for token in ("bob", "", "nonsense"):
        with pytest.raises(RefusedError) as refused:
            check("192.0.2.1", token)
        assert refused.value.rejection.reason is Reason.BANNED
    check("192.0.2.1", "ada")
    check("198.51.100.1", "bob")
    check("", "")
    scene.does(cmd.SetAdmin(cmd.OPERATOR, UserByName("ada"), admin=False))
    with pytest.raises(RefusedError):
        check("192.0.2.1", "ada")
    scene.clock.now += 5
    check("192.0.2.1", "bob")


# ------------------------------------------------------------------------- bots


def with_a_bot(scene: Scene) -> tuple[Session, Session]:
    """Sign in somebody with an account in `pub`, and its bot by an API token."""
    carol = an_admin(scene, "carol")
    scene.does(cmd.SetAdmin(cmd.OPERATOR, UserByName("carol"), admin=False))
    scene.does(cmd.CreateBot(carol.session_id, "robot"))
    scopes = (Scope.READ, Scope.POST, Scope.ROOMS)
    token = cmd.CreateApiToken(carol.session_id, "robot", "t", scopes, b"robot", "here", 0)
    robot = scene.directory.state.sessions[scene.does(token).session_id]
    for one in (carol, robot):
        scene.does(cmd.JoinRoom(one.session_id, RoomByName("pub")))
    return carol, robot


@story
async def test_ban_of_an_owner_closes_the_room_for_its_bots(scene: Scene) -> None:
    """In every window of a bot, what was queued is gone, and Subscribe ends too."""
    alice = scene.joins("alice", "pub")
    pub = RoomByName("pub")
    pub_id = scene.directory.state.room_ids["pub"]
    _, robot = with_a_bot(scene)
    windows = [
        await reading(scene, scene.stream(robot, chat=chat), pub_id) for chat in (True, False)
    ]
    scene.says(alice, "queued", pub)
    scene.does(cmd.BanMember(alice.session_id, pub, UserByName("carol"), 0, "spam"))
    scene.says(alice, "not heard", pub)
    for window in windows:
        (closed,) = await scene.told(window.subscription)
        assert (closed.closed.reason, closed.closed.text) == (pb.CLOSE_REASON_BANNED, "spam")


@story
async def test_bots_are_told_of_the_mute_of_their_owner(scene: Scene) -> None:
    """Of its beginning and its end, and of the latter not where the bot stays muted itself."""
    alice = scene.joins("alice", "pub")
    pub, by = RoomByName("pub"), alice.session_id
    carol, robot = with_a_bot(scene)
    streams = [await reading(scene, scene.stream(one)) for one in (carol, robot)]
    who = UserByName("carol")
    scene.does(cmd.MuteMember(by, pub, who, 5000, "noise"))
    scene.does(cmd.UnmuteMember(by, pub, who))
    for stream in streams:
        notices = [item.notice.kind for item in await scene.told(stream.subscription)]
        assert notices == [pb.NOTICE_KIND_MUTED, pb.NOTICE_KIND_UNMUTED]
    scene.does(cmd.MuteMember(by, pub, UserByName("robot"), 0, ""))
    scene.does(cmd.MuteMember(by, pub, who, 5000, ""))
    scene.does(cmd.UnmuteMember(by, pub, who))
    told = await scene.told(streams[1].subscription)
    assert {item.notice.until_ms for item in told} == {FOREVER_MS}


@story
async def test_kick_from_the_server_ends_the_streams_of_bots(scene: Scene) -> None:
    """A bot of who is removed is told the same."""
    ada = an_admin(scene, "ada")
    scene.joins("alice", "pub")
    _, robot = with_a_bot(scene)
    stream = scene.stream(robot)
    scene.does(cmd.KickUser(ada.session_id, UserByName("carol"), "enough"))
    assert stream.subscription.ended == Rejection(Reason.KICKED, "you were removed by ada: enough")
