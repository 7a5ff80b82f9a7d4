"""`chat_cli.outbox`: nothing is lost, doubled, reordered or sent as somebody else."""

from hypothesis import given
from hypothesis import strategies as st

from chat_cli.model import ById, ByName, Limits
from chat_cli.outbox import Outbox
from chat_cli.pending import JoinRoom, LeaveRoom, PendingOrder, PendingPost, SetTopic

LOBBY = ByName("lobby")


def texts(outbox: Outbox, now: float = 0.0) -> list[str]:
    """Give the texts of the posts that are due."""
    return [due.text for due in outbox.take_due(now) if isinstance(due, PendingPost)]


def three_posts(window: int) -> tuple[Outbox, list[PendingPost]]:
    """Make an outbox with three messages."""
    outbox = Outbox("p", window)
    return outbox, [outbox.post(LOBBY, text, False, "u1") for text in "abc"]


def test_ids_are_unique_and_sortable() -> None:
    """The ids of later messages sort after those of earlier ones."""
    outbox = Outbox("0123456789ab")
    ids = [outbox.post(LOBBY, "x", False, None).client_msg_id for _ in range(300)]
    assert ids == sorted(set(ids))
    assert all(len(one) <= 64 and one.isascii() for one in ids)


def test_one_at_a_time_with_rate_limits() -> None:
    """The next message leaves when the one before is settled."""
    outbox, posts = three_posts(window=1)
    assert texts(outbox) == ["a"]
    assert texts(outbox) == []
    outbox.settle_post(posts[0].client_msg_id)
    assert texts(outbox) == ["b"]


def test_many_in_flight_without_rate_limits() -> None:
    """A server that has none gets as many as it accepts unacknowledged, at most 128."""
    outbox = Outbox("p")
    outbox.use_limits(Limits(send_burst=0, unacked_posts=256))
    assert outbox.window == 128
    outbox.use_limits(Limits(send_burst=0, unacked_posts=2))
    for text in "abc":
        outbox.post(LOBBY, text, False, None)
    assert texts(outbox) == ["a", "b"]
    outbox.use_limits(Limits(send_burst=20))
    assert outbox.window == 1


def test_a_retry_holds_the_later_ones() -> None:
    """While one waits, none overtakes it; then it keeps its id."""
    outbox, posts = three_posts(window=1)
    texts(outbox)
    assert outbox.retry(posts[0].client_msg_id, not_before=5.0)
    assert texts(outbox, 4.9) == []
    assert outbox.next_due(4.9) == 5.0
    assert outbox.take_due(5.0) == [posts[0]]
    assert outbox.next_due(5.0) is None


def test_a_refused_one_in_a_window_stops_those_not_yet_written() -> None:
    """What is in flight cannot be called back, but nothing new leaves before the retry."""
    outbox, posts = three_posts(window=2)
    assert texts(outbox) == ["a", "b"]
    outbox.retry(posts[0].client_msg_id, not_before=5.0)
    outbox.settle_post(posts[1].client_msg_id)
    assert texts(outbox, 1.0) == []
    assert texts(outbox, 5.0) == ["a", "c"]


def test_a_lost_stream_sends_all_again_with_the_same_ids() -> None:
    """What has no answer is written again, in order, unchanged."""
    outbox, posts = three_posts(window=3)
    outbox.take_due(0.0)
    outbox.settle_post(posts[1].client_msg_id)
    assert outbox.disconnected() == []
    assert outbox.take_due(0.0) == [posts[0], posts[2]]


def test_orders_overtake_posts() -> None:
    """A join is written before the messages to the room that is joined."""
    outbox = Outbox("p")
    outbox.post(LOBBY, "x", False, None)
    outbox.order(JoinRoom(LOBBY, 50))
    first, second = outbox.take_due(0.0)
    assert isinstance(first, PendingOrder)
    assert isinstance(second, PendingPost)


def test_a_topic_on_its_way_is_not_repeated() -> None:
    """Join and leave are sent again after a lost stream, a topic is given back."""
    outbox = Outbox("p")
    outbox.order(JoinRoom(LOBBY, 50))
    outbox.order(LeaveRoom("r2"))
    outbox.order(SetTopic("r1", "new"))
    outbox.take_due(0.0)
    assert outbox.disconnected() == [SetTopic("r1", "new")]
    assert len(outbox.take_due(0.0)) == 2


def test_a_topic_that_was_not_written_is_kept() -> None:
    """Only what may have arrived is in doubt."""
    outbox = Outbox("p")
    outbox.order(SetTopic("r1", "new"))
    assert outbox.disconnected() == []
    assert len(outbox.take_due(0.0)) == 1


def test_an_order_may_wait_for_its_retry() -> None:
    """A join that was refused for now is written again later."""
    outbox = Outbox("p")
    order_id = outbox.order(JoinRoom(LOBBY, 50))
    outbox.take_due(0.0)
    assert outbox.retry(order_id, not_before=2.0)
    assert outbox.next_due(1.0) == 2.0
    assert len(outbox.take_due(2.0)) == 1
    assert outbox.settle_order(order_id) == JoinRoom(LOBBY, 50)


def test_unknown_answers_are_ignored() -> None:
    """An answer to something that was settled before changes nothing."""
    outbox = Outbox("p")
    assert outbox.settle_post("x") is None
    assert outbox.settle_order("x") is None
    assert not outbox.retry("x", 1.0)


def test_nothing_is_sent_as_another_user() -> None:
    """What was written under a former sign-in comes back; what nobody owned is claimed."""
    outbox = Outbox("p", window=9)
    outbox.post(LOBBY, "unowned", False, None)
    old = outbox.post(LOBBY, "old", False, "u1")
    assert outbox.signed_in_as("u2") == [old]
    assert texts(outbox) == ["unowned"]
    assert [post.owner for post in outbox.posts.values()] == ["u2"]


def test_a_durable_outbox_sends_what_is_on_disk() -> None:
    """A post that is not saved holds itself and all later ones."""
    outbox = Outbox("p", window=9)
    outbox.begin_saving()
    first, second = (outbox.post(LOBBY, text, False, None) for text in "ab")
    assert texts(outbox) == []
    outbox.saved([second.client_msg_id])
    assert texts(outbox) == []
    outbox.saved([first.client_msg_id])
    assert texts(outbox) == ["a", "b"]


def test_a_disk_that_fails_holds_nothing_up() -> None:
    """What cannot be kept is sent all the same, also what is written later."""
    outbox = Outbox("p", window=9)
    outbox.begin_saving()
    outbox.post(LOBBY, "a", False, None)
    outbox.stop_saving()
    outbox.post(LOBBY, "b", False, None)
    assert texts(outbox) == ["a", "b"]


def test_what_was_adopted_goes_first_and_keeps_its_id() -> None:
    """It was written before all that is here; the new one is not mixed up with it."""
    old = PendingPost("old-1", LOBBY, "old", False, "u1")
    outbox = Outbox("p", window=9)
    outbox.begin_saving()
    new = outbox.post(LOBBY, "new", False, "u1")
    outbox.adopt([old])
    assert texts(outbox) == []
    outbox.saved(["old-1", new.client_msg_id])
    assert [due.client_msg_id for due in outbox.take_due(0.0) if isinstance(due, PendingPost)] == [
        "old-1",
        new.client_msg_id,
    ]


def test_what_nobody_owned_is_claimed_by_who_was_here_before() -> None:
    """A dead window's words before its sign-in are not put into a new user's mouth."""
    for resumed, expected in ((True, ["old", "new"]), (False, ["new"])):
        outbox = Outbox("p", window=9)
        outbox.adopt([PendingPost("old-1", LOBBY, "old", False, None)])
        outbox.post(LOBBY, "new", False, None)
        lost = outbox.signed_in_as("u1", resumed)
        assert [post.text for post in lost] == [text for text in ["old"] if text not in expected]
        assert texts(outbox) == expected


def test_a_claim_is_on_disk_before_the_post_leaves() -> None:
    """Otherwise a crash could let another user send it again."""
    outbox = Outbox("p")
    outbox.begin_saving()
    post = outbox.post(LOBBY, "a", False, None)
    outbox.saved([post.client_msg_id])
    outbox.signed_in_as("u1")
    assert texts(outbox) == []
    outbox.saved([post.client_msg_id])
    assert texts(outbox) == ["a"]
    outbox.disconnected()
    outbox.signed_in_as("u1")
    assert texts(outbox) == ["a"]


def test_old_posts_are_found() -> None:
    """14 days is how long the server is sure to know an id; one without a time has no age."""
    day = 24 * 3600 * 1000
    outbox = Outbox("p")
    outbox.begin_saving()
    outbox.post(LOBBY, "old", False, None)
    outbox.take_changes(1_000)
    outbox.post(LOBBY, "young", False, None)
    outbox.take_changes(2_000)
    assert [post.typed_ms for post in outbox.posts.values()] == [1_000, 2_000]
    assert outbox.too_old(1_000 + 14 * day) == []
    assert [post.text for post in outbox.too_old(1_001 + 14 * day)] == ["old"]
    outbox.adopt([PendingPost("x", LOBBY, "ageless", False, None)])
    assert len(outbox.too_old(2_001 + 14 * day)) == 2


def test_what_failed_is_kept_until_it_was_seen() -> None:
    """It is no longer pending, and it is not forgotten."""
    outbox, posts = three_posts(window=1)
    outbox.fail(posts[0], "no")
    assert texts(outbox) == ["b"]
    assert [one.reason for one in outbox.failed.values()] == ["no"]
    outbox.seen()
    assert outbox.failed == {}


def test_the_wait_for_an_answer_has_a_beginning() -> None:
    """That of the oldest post in flight; one that is held waits for nobody."""
    outbox, posts = three_posts(window=2)
    assert outbox.unanswered_since() is None
    outbox.take_due(3.0)
    assert outbox.unanswered_since() == 3.0
    outbox.settle_post(posts[0].client_msg_id)
    outbox.settle_post(posts[1].client_msg_id)
    outbox.take_due(7.0)
    assert outbox.unanswered_since() == 7.0
    outbox.disconnected()
    assert outbox.unanswered_since() is None


def test_orders_with_ids_of_rooms_can_be_forgotten() -> None:
    """A join by name means the same in other data."""
    outbox = Outbox("p")
    outbox.order(JoinRoom(LOBBY, 50))
    outbox.order(JoinRoom(ById("r1"), 50))
    outbox.order(LeaveRoom("r2"))
    outbox.order(SetTopic("r1", "new"))
    outbox.forget_rooms()
    assert [pending.order for pending in outbox.orders.values()] == [JoinRoom(LOBBY, 50)]


@given(st.data())
def test_posts_leave_in_order_whatever_happens(data: st.DataObject) -> None:
    """First writings are in the order of typing, and nothing leaves while an earlier one waits."""
    outbox = Outbox("p", window=data.draw(st.integers(1, 4)))
    now, first_written, settled = 0.0, [], 0
    total = data.draw(st.integers(1, 12))
    for number in range(total):
        outbox.post(ById("r"), str(number), False, None)
    for _ in range(200):
        for due in outbox.take_due(now):
            assert isinstance(due, PendingPost)
            earlier = [p for p in outbox.posts.values() if int(p.text) < int(due.text)]
            assert all(post.written for post in earlier)
            if due.text not in first_written:
                first_written.append(due.text)
        flying = [p for p in outbox.posts.values() if p.written]
        assert len(flying) <= outbox.window
        match data.draw(st.sampled_from(["ack", "ack", "retry", "drop", "wait"])):
            case "ack" if flying:
                settled += outbox.settle_post(flying[0].client_msg_id) is not None
            case "retry" if flying:
                outbox.retry(flying[0].client_msg_id, now + 1.0)
            case "drop":
                outbox.disconnected()
            case "wait":
                now += 1.0
        if not outbox.posts:
            break
    assert first_written == sorted(first_written, key=int)
    assert settled + len(outbox.posts) == total


def test_a_slow_room_holds_its_own_messages_alone() -> None:
    """Those to other rooms overtake; within the room the order stays, also before it was open."""
    outbox = Outbox("p")
    slow, fast = ById("r1"), ById("r2")
    first = outbox.post(slow, "1", False, "a", "#slow")
    outbox.take_due(0.0)
    outbox.retry(first.client_msg_id, 30.0, "slow mode", alone=True)
    outbox.post(ByName("slow"), "2", False, "a", "#slow")
    other = outbox.post(fast, "3", False, "a", "#fast")
    assert outbox.take_due(1.0) == [other]
    assert outbox.next_due(1.0) == 30.0
    outbox.settle_post(other.client_msg_id)
    assert outbox.take_due(29.0) == []
    assert outbox.take_due(30.0) == [first]
    assert outbox.next_due(30.0) is None


def test_a_rate_holds_all_messages() -> None:
    """It is the user that is too fast, and not a room."""
    outbox = Outbox("p")
    first = outbox.post(ById("r1"), "1", False, "a", "#slow")
    outbox.take_due(0.0)
    outbox.retry(first.client_msg_id, 30.0, "slow mode", alone=True)
    outbox.retry(first.client_msg_id, 5.0, "too fast")
    outbox.post(ById("r2"), "2", False, "a", "#fast")
    assert outbox.take_due(1.0) == []
    assert outbox.next_due(1.0) == 5.0


def test_changes_are_given_once() -> None:
    """Only what is new since the last time, however much waits; nothing where nobody keeps it."""
    outbox = Outbox("p")
    outbox.post(LOBBY, "early", False, None)
    assert outbox.take_changes(0) == []
    outbox.begin_saving()
    one, two = (outbox.post(LOBBY, text, False, None) for text in "ab")
    ids = [post.client_msg_id for post in outbox.posts.values()]
    assert outbox.take_changes(0) == ids
    assert outbox.take_changes(0) == []
    outbox.fail(one, "no")
    outbox.settle_post(two.client_msg_id)
    assert outbox.take_changes(0) == ids[1:]
    outbox.seen()
    outbox.signed_in_as("u1")
    assert outbox.take_changes(0) == [ids[1], ids[0]]
    outbox.stop_saving()
    outbox.post(LOBBY, "late", False, None)
    assert outbox.take_changes(0) == []
