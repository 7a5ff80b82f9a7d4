"""Requests made by chance, for every call of every service of the contract.

All of it goes by descriptors, so a call that is added to the contract is tried from then
on. The operator's service is left out: only the owner of the data reaches it.
"""

import importlib
import pkgutil
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

import chat_protos.chat.v1 as contract

NOT_FOR_CLIENTS = "AdminService"

MAX_BYTES = 60_000
"""A request of more is cut: what is too large never reaches a service."""

_FRESH = tuple(f"new{number}" for number in range(10))

# Field's names to what makes sense in them, by the end of the name; whatever else a text is
# called, it may be any of all these.
SENSIBLE: dict[str, tuple[str, ...]] = {
    "name": ("lobby", "ops", "secret", "ann", "Bob", "nobody", "admin", *_FRESH),
    "names": ("ann", "bob", "fuzz1", "nobody"),
    "room": ("lobby", "ops", "new-room"),
    "room_name": ("lobby", "ops", "secret", "new-room"),
    "room_id": ("r1", "r2", "r5", "r99999"),
    "user_id": ("u1", "u2", "u5", "u99999"),
    "session_id": ("s1", "s2", "s99999"),
    "invite_id": ("i1", "1", "i99999"),
    "bot": ("robot", "u5", ""),
    "password": ("correct horse", "wrong horse", "short", "é" * 20),
    "network": ("192.0.2.0/24", "2001:db8::/32", "198.51.100.7", "192.0.2.0/33"),
    "text": ("hi", "two\nlines", "\u202e\x1b[2J", "x" * 4096),
    "topic": ("tea", "", "x" * 390),
    "reason": ("", "because", "x" * 390),
    "client_msg_id": tuple(f"m{number}" for number in range(1000)),
    "order_id": ("o1", "o2", ""),
    "page_token": ("", "cm9vbXMKbG9iYnk=", "dXNlcnMKYm9i", "===="),
}
# What no field should like.
ODD = (
    *("", " ", "\x00", "\n", "\t", "\x1b]0;x\x07", "\x7f", "\x9b2J", "\u202e", "\u200b", "\ufeff"),
    *("\u0430dmin", "\U0001f600" * 9, "e\u0301", "%s%n", "{0}", "../../etc", "';--", "$HOME"),
    *("x" * 64, "x" * 65, "x" * 390, "x" * 391, "x" * 4097, "é" * 2048, "x\n" * 101, "x" * 50_000),
    *("-1", "0", "1e9", "nan", "18446744073709551616", "r0", "r-1", "u0", "s0", "127.0.0.1:1"),
)
NUMBERS = (0, 1, 2, 3, 7, 100, 1000, 1001, 60_000, 86_400_000)

_BITS = {
    **dict.fromkeys((FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_SINT32), (-(2**31), 2**31)),
    **dict.fromkeys((FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_SINT64), (-(2**63), 2**63)),
    FieldDescriptor.TYPE_UINT32: (0, 2**32),
    FieldDescriptor.TYPE_UINT64: (0, 2**64),
    FieldDescriptor.TYPE_ENUM: (-(2**31), 2**31),
}


def methods() -> dict[str, MethodDescriptor]:
    """Return every call for clients, by its path."""
    found: dict[str, MethodDescriptor] = {}
    for module in pkgutil.iter_modules(contract.__path__):
        if module.name.endswith("_pb2"):
            file = importlib.import_module(f"{contract.__name__}.{module.name}").DESCRIPTOR
            for service in file.services_by_name.values():
                if service.name != NOT_FOR_CLIENTS:
                    for method in service.methods:
                        found[f"/{service.full_name}/{method.name}"] = method
    return found


class Fuzz:
    """Requests of one kind, by chance."""

    def __init__(self, kind: Descriptor, chance: random.Random) -> None:
        self._kind = kind
        self._chance = chance
        # Requests from which others are spliced.
        self._wire = [self.sensible().SerializeToString() for _ in range(20)]

    def requests(self) -> Iterator[bytes]:
        """Yield requests: sensible ones, extreme, changed, cut, spliced, and noise."""
        ways: tuple[Callable[[], bytes], ...] = (
            lambda: self.sensible().SerializeToString(),
            lambda: self.extreme().SerializeToString(),
            self._changed,
            self._noise,
        )
        while True:
            (way,) = self._chance.choices(ways, (50, 15, 25, 10))
            yield way()[:MAX_BYTES]

    def sensible(self) -> Message:
        """Return a request of values that may make sense, some of them left out."""
        missing = self._chance.choice((0.02, 0.5))
        return self._message(self._kind, odd=0.03, missing=missing)

    def extreme(self) -> Message:
        """Return a request in which hardly a value makes sense."""
        return self._message(self._kind, odd=0.8, missing=0.2)

    def _message(self, kind: Descriptor, odd: float, missing: float, depth: int = 0) -> Message:
        chance = self._chance
        message = GetMessageClass(kind)()
        # Any: the stubs of descriptors have no types for what they inherit.
        chosen: list[Any] = [chance.choice(oneof.fields) for oneof in kind.oneofs]
        for field in kind.fields:
            inside = field.containing_oneof
            if (inside is not None and field not in chosen) or chance.random() < missing:
                continue
            if field.is_repeated:
                self._repeat(message, field, odd, missing, depth)
            elif field.message_type is not None:
                if depth < 4:
                    inner = self._message(field.message_type, odd, missing, depth + 1)
                    getattr(message, field.name).CopyFrom(inner)
            else:
                setattr(message, field.name, self._value(field, odd))
        return message

    def _repeat(
        self, message: Message, field: FieldDescriptor, odd: float, missing: float, depth: int
    ) -> None:
        chance = self._chance
        many = chance.random() < odd / 8
        count = chance.randint(20, 300) if many else chance.randint(0, 3)
        held = getattr(message, field.name)
        if field.message_type is None:
            held.extend(self._value(field, odd if not many else 0) for _ in range(count))
        elif field.message_type.GetOptions().map_entry:
            held.update({f"key{number}": "value" for number in range(count)})
        elif depth < 4:
            held.extend(
                self._message(field.message_type, odd, missing, depth + 1) for _ in range(count)
            )

    # Any: a value of whatever kind the field has.
    def _value(self, field: FieldDescriptor, odd: float) -> Any:
        chance = self._chance
        is_odd = chance.random() < odd
        if field.type == FieldDescriptor.TYPE_STRING:
            return chance.choice(ODD) if is_odd else chance.choice(_texts(field.name))
        if field.type == FieldDescriptor.TYPE_BYTES:
            return chance.randbytes(chance.choice((0, 1, 16, 5000)))
        if field.type == FieldDescriptor.TYPE_BOOL:
            return chance.random() < 0.5
        if field.type not in _BITS:
            return chance.choice((0.0, 1.0, -1.0, 1e308, float("inf"), float("nan")))
        low, high = _BITS[field.type]
        if is_odd:
            return chance.choice((low, -1 if low else 0, high - 1, high // 2))
        if field.enum_type is not None:
            return chance.choice(field.enum_type.values).number
        return chance.choice(NUMBERS)

    def _changed(self) -> bytes:
        """Return requests that are cut, changed at some places, spliced, or have noise in them."""
        chance = self._chance
        one, other = chance.choice(self._wire), chance.choice(self._wire)
        at = chance.randint(0, len(one))
        way = chance.randrange(4)
        if way == 0:
            return one[:at]
        if way == 1:
            return one[:at] + other[chance.randint(0, len(other)) :]
        if way == 2 or not one:
            return one[:at] + chance.randbytes(chance.randint(1, 8)) + one[at:]
        changed = bytearray(one)
        for _ in range(chance.randint(1, 4)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        return bytes(changed)

    def _noise(self) -> bytes:
        return self._chance.randbytes(self._chance.choice((0, 1, 2, 10, 60, 1000)))


def _texts(name: str) -> tuple[str, ...]:
    for known, texts in SENSIBLE.items():
        if name == known or name.endswith(f"_{known}"):
            return texts
    return _ALL


_ALL = tuple(text for texts in SENSIBLE.values() for text in texts)


def told(ends: Mapping[str, int]) -> str:
    """Return how calls ended, the usual ways first."""
    return ", ".join(
        f"{name} {count:,}" for name, count in sorted(ends.items(), key=lambda e: -e[1])
    )
