"""Telemetry of the server: Prometheus metrics, and one line of JSON a request."""

import logging
import sys
from typing import Final

import orjson
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

MULTIPROCESS: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names the folder in which the workers of one server add up their metrics."""

REQUESTS: Final = Counter("nightschool_requests", "Requests by route and status.", ["route", "status"])
SECONDS: Final = Histogram(
    "nightschool_request_seconds",
    "Seconds from a request's first byte to its answer's last.",
    ["route"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5),
)
LISTS_ASKED: Final = Counter("nightschool_lists_asked", "Lists that were requested.")
LISTS_MADE: Final = Counter("nightschool_lists_made", "Lists that the cache did not hold.")
SCENARIO_LISTS: Final = Counter("nightschool_scenario_lists", "Lists that were requested for a scenario.", ["scenario"])
LISTS_DROPPED: Final = Counter(
    "nightschool_lists_dropped", "Lists that were not written down, as the database was away for too long."
)
IMPRESSIONS: Final = Counter(
    "nightschool_impressions",
    "Impressions stored, by the scenario of the list; unknown: of no list known yet.",
    ["scenario"],
)
EVENTS: Final = Counter("nightschool_events", "Events stored, by type.", ["event"])
RELEASE_AGE: Final = Gauge(
    "nightschool_release_age_seconds",
    "Seconds since T of the current release, up to which it knows the data.",
    multiprocess_mode="mostrecent",
)


def exposition(workers: str | None) -> bytes:
    """Return all metrics in Prometheus' text format, summed over the workers that share a folder."""
    if workers is None:
        return generate_latest()
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=workers)  # type: ignore[no-untyped-call]  # it has no types
    return generate_latest(registry)


class JsonLines(logging.Formatter):
    """Formats each record as one line of JSON: time, level, message, and the fields of its `details`."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record as a line of JSON."""
        details = getattr(record, "details", {})
        line = {"at": self.formatTime(record), "level": record.levelname, "message": record.getMessage(), **details}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def log_as_json(level: int = logging.INFO) -> None:
    """Send the server's log to standard error as lines of JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("nightschool.serving")
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(level)
