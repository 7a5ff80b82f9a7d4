"""The live side of rooms: who is reading, and what they have yet to be sent.

An event is encoded once. Its bytes go into the ring of its room and into the
room's tick; when the tick ends, its events are joined to one frame, and that one
object is put into the queue of every subscription. Publishing never waits for a
reader: a queue is bounded, and a reader that falls behind is cut, by itself.

Of what a bot says there is a second frame, which says only that it spoke: that goes to
subscriptions that are deaf, those of bots that did not ask to hear bots.

    subscription  one stream's reading: its rooms, and its bounded queue of frames
    turns         who may write in this step of the loop
    patience      the time by which readers are measured
    timers        the part of a loop that the hub needs
    feed          one room's tick and subscriptions
    ring          one room's recent events, encoded
    replay        what a reader that is behind is sent next; pure
    pages         pages of the log for those who are behind, at a pace
    rooms         where each room stands, and its feed; all rings bounded together
    catch_up      brings a reader that is behind up to date, until it is live
    presence      who is in which room, told in coalesced changes
    frames        what the hub itself says, to be encoded by others
    limits        how much is held for readers; pure
    hub           the live side as one: readers watched over, presence told

Frames are opaque: the hub is given functions that encode. Imports `core` of the
project, and asyncio.
"""
