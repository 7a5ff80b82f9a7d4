"""A bot that answers `!up` in a public room, by an API token with the scopes read and post.

It answers each question once: it reads on behind what it has handled, and the id of an answer
is made of the question, so that the server takes it for the same when it is repeated.
"""

import argparse
import time
from pathlib import Path

import grpc

from chat_protos.chat.v1 import chat_pb2 as pb
from chat_protos.chat.v1 import chat_pb2_grpc as stubs

# What passes by itself: a restart, a network that is gone, a reader that was slow, a limit.
PASSING = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
)
# Seconds until the next try, and for an answer to a post.
PAUSE, PATIENCE = 2.0, 10.0
# A server that is gone without a word is noticed.
CHANNEL = (
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 10_000),
)


class Bot:
    """Reads one room. `token` is that of its bot."""

    def __init__(self, channel: grpc.Channel, token: str, room: str) -> None:
        self._chat = stubs.ChatServiceStub(channel)
        self._metadata = (("authorization", f"Bearer {token}"),)
        self._epoch = ""
        # Behind what was handled; without `after_seq`, from now on.
        self._position = pb.RoomPosition(room=pb.RoomTarget(room_name=room))

    def run(self) -> None:
        """Answer until it is refused. Raises grpc.RpcError."""
        while True:
            try:
                self._read()
            except grpc.RpcError as error:
                if error.code() is grpc.StatusCode.OUT_OF_RANGE:
                    self._position.ClearField("after_seq")
                elif error.code() not in PASSING:
                    raise
            time.sleep(PAUSE)

    def _read(self) -> None:
        request = pb.SubscribeRequest(epoch=self._epoch, rooms=[self._position])
        for response in self._chat.Subscribe(request, metadata=self._metadata):
            for item in response.items:
                match item.WhichOneof("item"):
                    case "welcome":
                        self._epoch = item.welcome.epoch
                    case "opened":
                        self._position.after_seq = item.opened.after_seq
                        print(f"reading {item.opened.room.name}", flush=True)
                    case "event":
                        self._handle(item.event)
                        self._position.after_seq = item.event.seq

    def _handle(self, event: pb.RoomEvent) -> None:
        if event.message.text != "!up":
            return
        answer = pb.Post(
            room=pb.RoomTarget(room_id=event.room_id),
            text=f"{event.author.name}: up and well",
            client_msg_id=f"{self._epoch}-{event.room_id}-{event.seq}",
        )
        request = pb.PostMessageRequest(post=answer)
        self._chat.PostMessage(request, metadata=self._metadata, timeout=PATIENCE)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", default="localhost:50051", metavar="HOST:PORT")
    parser.add_argument("--room", default="lobby")
    parser.add_argument("--token-file", required=True, type=Path, metavar="FILE")
    options = parser.parse_args()
    token = options.token_file.read_text(encoding="ascii").strip()
    with grpc.insecure_channel(options.target, CHANNEL) as channel:
        try:
            Bot(channel, token, options.room).run()
        except grpc.RpcError as error:
            parser.exit(1, f"bot: {error.details()}\n")
        except KeyboardInterrupt:
            parser.exit()


if __name__ == "__main__":
    main()
