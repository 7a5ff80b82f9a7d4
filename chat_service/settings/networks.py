"""Networks of addresses, as 10.0.0.0/8: a kind of value. Pure."""

import ipaddress
from dataclasses import dataclass

from chat_service.settings.kinds import BadValueError, Plain, Value, quoted

MAX_NETWORKS = 100
"""Each call is compared with all of them."""


@dataclass(frozen=True, slots=True)
class Networks(Plain):
    """Networks, or single addresses, which are networks of one."""

    @property
    def words(self) -> str:
        """How many and what."""
        return f"a list of at most {MAX_NETWORKS} networks"

    def parse(self, text: str) -> Value:
        """Read networks with commas between; no text is no network."""
        if text.lstrip().startswith("["):
            raise BadValueError(f"{self.refused()}: here with commas alone, as 10.0.0.0/8,::1")
        return self.take([part.strip() for part in text.split(",")] if text.strip() else [])

    def take(self, value: object) -> Value:
        """Read a list of texts."""
        if isinstance(value, str):
            raise BadValueError(f'{self.refused()}: in a file as ["10.0.0.0/8", "::1"]')
        if not isinstance(value, list) or len(value) > MAX_NETWORKS:
            raise self.refused()
        return tuple(dict.fromkeys(map(self._network, value)))

    def write(self, value: Value) -> str:
        """Return a list."""
        assert isinstance(value, tuple)
        return f"[{', '.join(map(quoted, value))}]"

    def _network(self, text: object) -> str:
        # Not a number, which stands for an address too.
        if not isinstance(text, str) or "%" in text:
            raise BadValueError(f"{self.refused()}: {text!r:.40} is none")
        try:
            return str(ipaddress.ip_network(text))
        except ValueError:
            pass
        try:
            whole = ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise BadValueError(f"{self.refused()}: {text!r:.40} is none") from None
        raise BadValueError(f"{self.refused()}: {text} is an address in {whole}")
