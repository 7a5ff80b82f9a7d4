"""What was written here and is not acknowledged yet: the only place where it is kept.

Posts leave in the order in which they were written. While one waits for its retry, or as
long as the window is full, the later ones are held; where only its room is slow, those to
other rooms are not. A post keeps its `client_msg_id` over
every retry and reconnect, so the server makes one message of it. A post belongs to the
user as whom it was written and is never sent as another: an owner is an id of a user in an
epoch, because another epoch gives the same ids to other people.

A post may outlive its process. In a durable outbox one is sent only when it is on disk, and
one that failed stays there until the person has seen it; `journal` writes both. What a dead
process left is adopted by the next one, under the same rules.

Other orders (join, leave, topic) overtake waiting posts: a post to a room that is just
being joined must come after the join.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from chat_cli.model import ById, Limits, Target
from chat_cli.pending import FailedPost, JoinRoom, Order, PendingOrder, PendingPost, SetTopic

# Posts in flight when the server has no rate limits. Enough to fill a commit, and half of
# what a stream may have unacknowledged.
_WINDOW = 128
# Milliseconds for which the server is sure to know the id of a post: 14 days. One that is
# older might be stored a second time.
_LONGEST_MS = 14 * 24 * 3600 * 1000


@dataclass(slots=True)
class Outbox:
    """Pending posts and orders. `prefix` makes the ids of this process unlike all others.

    Times are seconds of any monotonic clock, the same for all calls. `durable` says that
    somebody writes the posts to disk and tells it by `saved`.
    """

    prefix: str
    window: int = 1
    posts: dict[str, PendingPost] = field(default_factory=dict)
    orders: dict[str, PendingOrder] = field(default_factory=dict)
    failed: dict[str, FailedPost] = field(default_factory=dict)
    durable: bool = False
    # Posts that are not on disk yet.
    _unsaved: set[str] = field(default_factory=set)
    # Posts whose lines on disk may be old, in the order of their changes; nothing if not durable.
    _changed: dict[str, None] = field(default_factory=dict)
    _count: int = 0

    def use_limits(self, limits: Limits) -> None:
        """Choose how many posts may be in flight: one, unless the server has no rate limits."""
        self.window = 1 if limits.send_burst else max(1, min(limits.unacked_posts, _WINDOW))

    def post(
        self, target: Target, text: str, action: bool, owner: str | None, place: str = ""
    ) -> PendingPost:
        """Take in a message; it is sent when its turn comes."""
        post = PendingPost(self._next_id(), target, text, action, owner, place)
        self.posts[post.client_msg_id] = post
        self._hold_back(post.client_msg_id)
        return post

    def adopt(self, posts: Iterable[PendingPost]) -> None:
        """Take in what dead processes left; it was written before all that is here."""
        left = {post.client_msg_id: post for post in posts}
        for post in left.values():
            post.adopted = True
        self.posts = {**left, **self.posts}
        for client_msg_id in left:
            self._hold_back(client_msg_id)

    def begin_saving(self) -> None:
        """Hold every post back until it is on disk."""
        self.durable = True
        self._unsaved = {post.client_msg_id for post in self.posts.values() if not post.written}
        self._changed = dict.fromkeys([*self.posts, *self.failed])

    def stop_saving(self) -> None:
        """Send posts although they cannot be kept."""
        self.durable = False
        self._unsaved.clear()
        self._changed.clear()

    def saved(self, ids: Iterable[str]) -> None:
        """Take in that these posts are on disk."""
        self._unsaved.difference_update(ids)

    def take_changes(self, now_ms: int) -> list[str]:
        """Give the ids of the posts of which something changed since they were given last.

        Posts that came, went, failed, were seen or have another owner; never a walk over all that
        wait. Those that have no time of day get one.
        """
        changed, self._changed = list(self._changed), {}
        for client_msg_id in changed:
            if post := self.posts.get(client_msg_id):
                post.typed_ms = post.typed_ms or now_ms
        return changed

    def too_old(self, now_ms: int) -> list[PendingPost]:
        """Give the posts that must not be sent any more, because of their age."""
        return [post for post in self.posts.values() if 0 < post.typed_ms < now_ms - _LONGEST_MS]

    def fail(self, post: PendingPost, reason: str) -> None:
        """Do not send a post; keep it until it was seen."""
        self.settle_post(post.client_msg_id)
        self.failed[post.client_msg_id] = FailedPost(post, reason)
        self._note(post.client_msg_id)

    def seen(self) -> None:
        """Take in that the person has seen what failed."""
        for client_msg_id in self.failed:
            self._note(client_msg_id)
        self.failed.clear()

    def order(self, order: Order) -> str:
        """Take in an order and give its id."""
        pending = PendingOrder(self._next_id(), order)
        self.orders[pending.order_id] = pending
        return pending.order_id

    def take_due(self, now: float) -> list[PendingOrder | PendingPost]:
        """Give what must be written now, in this order, and count it as in flight."""
        due: list[PendingOrder | PendingPost] = [
            order for order in self.orders.values() if not order.written and order.not_before <= now
        ]
        in_flight = sum(post.written for post in self.posts.values())
        for post in self._unheld(now):
            if post.not_before > now or in_flight >= self.window:
                break
            if post.client_msg_id in self._unsaved:
                break
            due.append(post)
            in_flight += 1
        for pending in due:
            pending.written = True
            if isinstance(pending, PendingPost):
                pending.written_at = now
        return due

    def _unheld(self, now: float) -> Iterator[PendingPost]:
        """Give the posts that are not written, without those whose room alone has to wait."""
        held: set[str | Target] = set()
        for post in self.posts.values():
            # What people call a room is the same before and after it is open.
            room = post.place or post.target
            if post.written or room in held:
                continue
            if post.alone and post.not_before > now:
                held.add(room)
                continue
            yield post

    def unanswered_since(self) -> float | None:
        """Give the moment since when the oldest post in flight waits for its answer."""
        return min((post.written_at for post in self.posts.values() if post.written), default=None)

    def next_due(self, now: float) -> float | None:
        """Give the moment when a retry becomes due, None if none is waiting for one."""
        waiting = [order.not_before for order in self.orders.values() if order.not_before > now]
        waiting += [post.not_before for post in self.posts.values() if post.alone]
        held = next(self._unheld(now), None)
        waiting += [held.not_before] if held is not None else []
        return min((moment for moment in waiting if moment > now), default=None)

    def settle_post(self, client_msg_id: str) -> PendingPost | None:
        """Forget a post that was answered for good; None if it was unknown."""
        self._unsaved.discard(client_msg_id)
        self._note(client_msg_id)
        return self.posts.pop(client_msg_id, None)

    def settle_order(self, order_id: str) -> Order | None:
        """Forget an order that was answered; None if it was unknown."""
        pending = self.orders.pop(order_id, None)
        return pending.order if pending else None

    def retry(self, pending_id: str, not_before: float, why: str = "", alone: bool = False) -> bool:
        """Send this post or order again, not earlier than that; False if it is unknown.

        `why` is the server's sentence, for the person who waits. With `alone` messages to other
        rooms need not wait.
        """
        pending = self.posts.get(pending_id) or self.orders.get(pending_id)
        if pending is None:
            return False
        pending.written = False
        pending.not_before = not_before
        pending.why = why
        if isinstance(pending, PendingPost):
            pending.alone = alone
        return True

    def disconnected(self) -> list[Order]:
        """Count everything as not written: the next stream sends it again, with the same ids.

        A change of topic that was on its way is given back instead: whether it worked is not
        known, and a second one would be shown to everybody again.
        """
        lost = [
            order
            for order in self.orders.values()
            if order.written and isinstance(order.order, SetTopic)
        ]
        for order in lost:
            del self.orders[order.order_id]
        left: list[PendingPost | PendingOrder] = [*self.posts.values(), *self.orders.values()]
        for pending in left:
            pending.written = False
        return [order.order for order in lost]

    def forget_rooms(self) -> None:
        """Drop the orders that name a room by its id: ids may mean other rooms now."""
        for order_id, pending in list(self.orders.items()):
            if not isinstance(pending.order, JoinRoom) or isinstance(pending.order.target, ById):
                del self.orders[order_id]

    def signed_in_as(self, owner: str, resumed: bool = True) -> list[PendingPost]:
        """Claim what nobody owned, and give back what another user wrote: it is not sent.

        What a dead process wrote before its first sign-in is claimed by a user who was here
        before (`resumed`), and never by one who is new.
        """
        foreign = [
            post
            for post in self.posts.values()
            if post.owner not in (None, owner)
            or (post.owner is None and post.adopted and not resumed)
        ]
        for post in foreign:
            self.settle_post(post.client_msg_id)
        for post in self.posts.values():
            if post.owner != owner:
                post.owner = owner
                self._hold_back(post.client_msg_id)
        return foreign

    def _hold_back(self, client_msg_id: str) -> None:
        """Let a post wait until it is on disk as it is now."""
        if self.durable:
            self._unsaved.add(client_msg_id)
            self._note(client_msg_id)

    def _note(self, client_msg_id: str) -> None:
        if self.durable:
            self._changed[client_msg_id] = None

    def _next_id(self) -> str:
        self._count += 1
        return f"{self.prefix}-{self._count:08d}"
