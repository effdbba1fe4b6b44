"""Every metric, declared once. Labels are bounded: no team, prompt, id or path ever becomes one."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

#: Work takes from milliseconds (a sandbox) to half an hour (a film).
WORK_BUCKETS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800)
REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
GROUP_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        """Declare them all."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"triptych_{name}", text, labels, registry=self.registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"triptych_{name}", text, labels, registry=self.registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"triptych_{name}", text, labels, registry=self.registry, buckets=buckets)

        self.requests = counter("http_requests", "Requests, by route template", "route", "method", "status")
        self.request_seconds = histogram(
            "http_request_seconds", "Time to the last byte of the answer", REQUEST_BUCKETS, "route", "method"
        )
        self.requests_open = gauge("http_requests_open", "Requests being answered")
        self.streams_open = gauge("event_streams_open", "Open event streams")

        self.jobs_accepted = counter("jobs_accepted", "Jobs accepted", "operation")
        self.jobs_finished = counter("jobs_finished", "Jobs that ended", "backend", "operation", "state", "code")
        self.jobs_refused = counter("jobs_refused", "Requests refused before a job existed", "code")
        self.idempotent_replays = counter("idempotent_replays", "Requests answered with an earlier job")
        self.joined_retries = counter(
            "joined_retries", "Requests that joined the job of an equal one whose client was lost or asks again", "face"
        )
        self.phase_seconds = histogram(
            "job_phase_seconds", "Time of jobs in each phase", WORK_BUCKETS, "backend", "operation", "phase"
        )
        self.jobs_in_flight = gauge("jobs_in_flight", "Attempts open at a backend, draining ones included", "backend")
        self.jobs_draining = gauge("jobs_draining", "Attempts of ended jobs that still hold a slot", "backend")
        self.jobs_queued = gauge("jobs_queued", "Jobs that wait for a backend", "backend")
        self.oldest_job_seconds = gauge("oldest_job_seconds", "Age of the oldest open job", "backend")

        self.attempts = counter("attempts", "Attempts ended, by outcome", "backend", "outcome")
        self.retries = counter("retries", "Further attempts", "backend", "code")
        self.failovers = counter("failovers", "Attempts that went to another backend", "from_backend", "to_backend")
        self.polls = counter("polls", "Exchanges that asked after work", "backend", "result")
        self.recoveries = counter("recoveries", "Looks for submits whose answer was lost", "backend", "result")
        self.cancels = counter("cancels", "Cancels asked for, by what they did", "backend", "answer")
        self.late_results = counter("late_results", "Results that came after their job had ended", "backend", "result")
        self.discarded_outputs = counter("discarded_outputs", "Delivered files that were thrown away", "backend")
        self.contract_breaches = counter(
            "contract_breaches", "Deliveries that differ from what was sent, by bytes or by word", "backend", "field"
        )
        self.contract_refusals = counter(
            "contract_refusals", "Requests that a backend refused though they had passed our checks", "backend", "code"
        )
        self.contract_drift = gauge(
            "contract_drift",
            "Whether a backend broke this promise of its dialect at the last look",
            "dialect",
            "backend",
            "check",
        )
        self.unmapped_native_errors = counter(
            "unmapped_native_errors", "Native errors that no row of the error table knows", "dialect"
        )
        self.exchange_seconds = histogram(
            "exchange_seconds", "Time of one exchange with a backend", WORK_BUCKETS, "backend", "verb", "result"
        )

        self.relayed = counter(
            "relayed_requests",
            "Requests about a backend's own state that were passed on; those that spend are not reviewed here",
            "backend",
            "route",
            "spends",
            "status",
        )
        self.prompts = counter("prompts_written", "Prompts that backends wrote", "backend", "kind", "result")

        self.backend_up = gauge("backend_up", "Whether the backend answers", "backend")
        self.account_ready = gauge("backend_account_ready", "Whether the account can work", "backend", "account")
        self.circuit_open = gauge("backend_circuit_open", "Whether jobs are kept away", "backend", "account")
        self.discovery_age_seconds = gauge(
            "backend_discovery_age_seconds", "Age of what is known of its models", "backend"
        )

        self.commit_group_size = histogram("commit_group_size", "Changes that shared one commit", GROUP_BUCKETS)
        self.stored_bytes = counter("stored_bytes", "Bytes of files stored", "source")
        self.free_disk_bytes = gauge("free_disk_bytes", "Room on the disk of the data directory")
        self.swept = counter("swept", "Rows removed because their time was over")
        self.loop_lag_seconds = gauge("event_loop_lag_seconds", "How late the event loop is")
