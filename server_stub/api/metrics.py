"""Counters in the text form of Prometheus, read from the database at every scrape.

So they are those of all processes together, and survive a restart. Nothing is labelled with more
than a kind or a state: no terminal, no merchant and no card.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from server_stub.services.caisse import Caisse
from server_stub.services.counts import counts_of
from server_stub.services.jobs import Outcome, job_states

_PREFIX: Final = "clafoutis"


class BooksCollector(Collector):
    """What a caisse's database counts to."""

    def __init__(self, caisse: Caisse) -> None:
        self._caisse = caisse

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        counts = counts_of(self._caisse)
        yield CounterMetricFamily(f"{_PREFIX}_entries", "Entries stored.", counts.entries)
        yield CounterMetricFamily(
            f"{_PREFIX}_entries_refused", "Bytes that no terminal signed.", counts.refused
        )
        yield _by("sales", "Proven sales.", "state", counts.sales)
        yield _by("claims_unproven", "Sales that no card has proven.", "state", counts.unproven)
        yield _by("findings_open", "What does not match now.", "kind", counts.findings)
        yield _by("terminals", "Terminals.", "status", counts.terminals)
        yield from self._jobs()

    def _jobs(self) -> Iterator[Metric]:
        now = self._caisse.now()
        age = GaugeMetricFamily(
            f"{_PREFIX}_job_age_seconds", "Since a job last went well.", labels=["job"]
        )
        failed = GaugeMetricFamily(
            f"{_PREFIX}_job_failed", "Whether a job's last run failed.", labels=["job"]
        )
        for state in job_states(self._caisse):
            if state.succeeded_at is not None:
                age.add_metric([state.job.value], (now - state.succeeded_at).total_seconds())
            failed.add_metric([state.job.value], float(state.outcome is Outcome.FAILED))
        yield age
        yield failed


def _by(name: str, words: str, label: str, numbers: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(f"{_PREFIX}_{name}", words, labels=[label])
    for value, number in sorted(numbers.items()):
        family.add_metric([value], number)
    return family
