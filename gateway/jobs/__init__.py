"""Jobs, as every face uses them: made, explained, shown, waited for, listed, cancelled, listened to."""

from gateway.jobs.service import JobService

__all__ = ["JobService"]
