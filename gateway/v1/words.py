"""The catalogue's words in sentences for people: the pages say them, and the command line."""

from contracts.codes import Blame, Outcome, Retry

WHO: dict[Blame, str] = {
    "caller": "You, who sent the request",
    "operator": "Those who run the gateway",
    "backend": "Nobody at first: the backend failed, and may do better the next time",
    "gateway": "The makers of the gateway: quote the request id",
}
SHORT: dict[Blame, str] = {"caller": "you", "operator": "operator", "backend": "backend", "gateway": "gateway"}
RETRIES: dict[Retry, str] = {
    "same": "the same request, to the same backend, after a wait",
    "other": "the same request, to another backend",
    "edit": "a changed request",
    "never": "asking again does not help",
}
LEFT: dict[Outcome, str] = {
    "not_started": "Nothing was begun, and nothing is billed.",
    "unknown": "Nobody knows: the work may still go on, and may be billed. Look before you pay again.",
    "finished_no_result": "The work was done and failed; it may have been billed.",
    "finished_blocked": "A result exists, was probably billed, and is withheld.",
    "not_applicable": "Nothing was to be made.",
}
GROUPS = {
    "request": "What was sent",
    "auth": "Who asks",
    "quota": "How much",
    "policy": "What is not made or not shown",
    "resource": "What is asked for",
    "idempotency": "What was sent before",
    "routing": "Who could do it",
    "job": "How a job ended here",
    "backend": "How a job ended there",
    "gateway": "The gateway itself",
}
REFINED = {
    "ours_by_id": "becomes backend.job_lost where the gateway holds the id itself",
    "we_asked_to_cancel": "becomes job.cancelled where the gateway had asked to cancel",
    "passed_our_validation": "counts as drift where the gateway had checked the request",
}
#: Groups of codes that end jobs: they stand in a job's `error`.
ENDING = frozenset({"policy", "job", "backend"})
