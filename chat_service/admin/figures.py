"""The last sample of each instance as a line of the log, for where there is no console.

What a line is about travels as fields, so that it is readable as text and as JSON:

    figures server=127.0.0.1:50051 state=serving users=12 rooms=3 in_per_s=1.2 …
"""

import logging
from collections.abc import Iterable

from chat_service.admin.places import Place

logger = logging.getLogger(__name__)


def log_figures(places: Iterable[Place]) -> None:
    """Write a line for each instance."""
    for place in places:
        logger.info("figures", extra={"fields": fields(place)})


def fields(place: Place) -> dict[str, object]:
    """Return what is told of an instance; what is not known of it is left out.

    Rates are those since the sample before; `cpu_percent` is 100 for a whole core.
    """
    news = place.news
    told: dict[str, object] = {"server": news.address, "state": news.state.value}
    sample = place.history.last_of(news.pid) if place.remote is not None else None
    if sample is not None:
        if not place.history.silent(news.pid):
            told |= {
                "users": sample.users,
                "rooms": sample.rooms,
                "messages_in_per_s": round(sample.messages_in, 1),
                "messages_out_per_s": round(sample.messages_out, 1),
            }
        if place.history.usage_of(news.pid) is not None:
            told |= {
                "connections": sample.connections,
                "cpu_percent": round(sample.cpu * 100, 1),
                "memory_mib": round(sample.memory_bytes / (1 << 20), 1),
            }
    told["restarts"] = news.restarts
    if place.problem:
        told["problem"] = place.problem
    return told
