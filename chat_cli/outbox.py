"""What was written here and is not acknowledged yet: the only place where it is kept.

Posts leave in the order in which they were written. While one waits for its retry, or as
long as the window is full, the later ones are held. A post keeps its `client_msg_id` over
every retry and reconnect, so the server makes one message of it. A post belongs to the
user as whom it was written and is never sent as another: an owner is an id of a user in an
epoch, because another epoch gives the same ids to other people.

Other orders (join, leave, topic) overtake waiting posts: a post to a room that is just
being joined must come after the join.
"""

from dataclasses import dataclass, field

from chat_cli.model import Limits, Target, User

# Posts in flight when the server has no rate limits. Enough to fill a commit, and half of
# what a stream may have unacknowledged.
_WINDOW = 128


def owner_of(user: User, epoch: str) -> str:
    """Name a user apart from all users of all epochs."""
    return f"{epoch} {user.user_id}"


@dataclass(slots=True)
class PendingPost:
    """A message on its way. `owner` is who wrote it; None before the first sign-in."""

    client_msg_id: str
    target: Target
    text: str
    action: bool
    owner: str | None
    written: bool = False
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class JoinRoom:
    """Enter a room, beginning with the newest `recent` events."""

    target: Target
    recent: int


@dataclass(frozen=True, slots=True)
class LeaveRoom:
    """Leave a public room."""

    room_id: str


@dataclass(frozen=True, slots=True)
class SetTopic:
    """Change what a room is about; an empty topic removes it."""

    room_id: str
    topic: str


Order = JoinRoom | LeaveRoom | SetTopic


@dataclass(slots=True)
class PendingOrder:
    """An order on its way."""

    order_id: str
    order: Order
    written: bool = False
    not_before: float = 0.0


@dataclass(slots=True)
class Outbox:
    """Pending posts and orders. `prefix` makes the ids of this process unlike all others.

    Times are seconds of any monotonic clock, the same for all calls.
    """

    prefix: str
    window: int = 1
    posts: dict[str, PendingPost] = field(default_factory=dict)
    orders: dict[str, PendingOrder] = field(default_factory=dict)
    _count: int = 0

    def use_limits(self, limits: Limits) -> None:
        """Choose how many posts may be in flight: one, unless the server has no rate limits."""
        self.window = 1 if limits.send_burst else max(1, min(limits.unacked_posts, _WINDOW))

    def post(self, target: Target, text: str, action: bool, owner: str | None) -> PendingPost:
        """Take in a message; it is sent when its turn comes."""
        post = PendingPost(self._next_id(), target, text, action, owner)
        self.posts[post.client_msg_id] = post
        return post

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
        for post in self.posts.values():
            if post.written:
                continue
            if post.not_before > now or in_flight >= self.window:
                break
            due.append(post)
            in_flight += 1
        for pending in due:
            pending.written = True
        return due

    def next_due(self, now: float) -> float | None:
        """Give the moment when a retry becomes due, None if none is waiting for one."""
        waiting = [order.not_before for order in self.orders.values() if order.not_before > now]
        held = next((post for post in self.posts.values() if not post.written), None)
        if held is not None and held.not_before > now:
            waiting.append(held.not_before)
        return min(waiting, default=None)

    def settle_post(self, client_msg_id: str) -> PendingPost | None:
        """Forget a post that was answered for good; None if it was unknown."""
        return self.posts.pop(client_msg_id, None)

    def settle_order(self, order_id: str) -> Order | None:
        """Forget an order that was answered; None if it was unknown."""
        pending = self.orders.pop(order_id, None)
        return pending.order if pending else None

    def retry(self, pending_id: str, not_before: float) -> bool:
        """Send this post or order again, not earlier than that; False if it is unknown."""
        pending = self.posts.get(pending_id) or self.orders.get(pending_id)
        if pending is None:
            return False
        pending.written = False
        pending.not_before = not_before
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

    def signed_in_as(self, owner: str) -> list[PendingPost]:
        """Claim what nobody owned, and give back what another user wrote: it is not sent."""
        foreign = [post for post in self.posts.values() if post.owner not in (None, owner)]
        for post in foreign:
            del self.posts[post.client_msg_id]
        for post in self.posts.values():
            post.owner = owner
        return foreign

    def _next_id(self) -> str:
        self._count += 1
        return f"{self.prefix}-{self._count:08d}"
