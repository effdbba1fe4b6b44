"""A handle is all that is needed afterwards: to poll, to cancel, to recover; by this process or the next."""

import asyncio

import msgspec
import pytest

from contracts.catalog import CatalogError
from contracts.port import Absent, CannotTell, Done, Handle, Pending, Recovered, Stopped
from contracts.spec import ImageGenerate
from tests.conformance.driving import PATIENCE_S, SPEED, Subject

WORDS = "a mountain lake at dawn"
FAILURES = {
    "ima2": {
        "SAFETY_REFUSAL": "policy.refused",
        "429": "backend.overloaded",
        "401_openai": "backend.credentials_rejected",
        "empty": "backend.bad_response",
        "503": "backend.failed",
    },
    "sdcpp": {
        "upstream_429": "backend.overloaded",
        "no_images": "backend.bad_response",
        "restarted": "backend.job_lost",
        "startup_failed": "backend.unavailable",
        "cli_failed": "backend.failed",
        "lost": "backend.job_lost",
    },
    "imgen": {
        "unsafe": "policy.output_blocked",
        "failed": "backend.failed",
        "timed_out": "backend.timeout",
        "no_compliance": "backend.bad_response",
        "lost": "backend.job_lost",
        "cancelled": "backend.failed",
    },
}


def stored(handle: Handle) -> Handle:
    """Return a handle as it comes back from the store."""
    return msgspec.json.decode(msgspec.json.encode(handle), type=Handle)


async def test_a_handle_outlives_its_process(subject: Subject) -> None:
    """Another adapter finishes with the stored handle what the first one began."""
    handle, answer = await subject.start(subject.order(ImageGenerate(prompt=f"{WORDS} [[slow:20]]")))
    if isinstance(answer, Done):
        return
    second = subject.another()
    try:
        await second.discover()
        done = await subject.finish(stored(handle), answer, second)
        assert done.outputs
    finally:
        await second.close()


async def test_recovery_finds_what_was_submitted(subject: Subject) -> None:
    """From the handle that was written before the submit, where the backend can be asked."""
    order = subject.order(ImageGenerate(prompt=f"{WORDS} [[slow:30]]"))
    prepared = subject.adapter.prepare(order)
    moments = subject.moments()
    task = asyncio.create_task(subject.adapter.submit(prepared.handle, order, (), lambda _note: None))
    await asyncio.sleep(0.15)
    found = await recovered(subject, stored(prepared.handle), moments)
    if order.capability.recover:
        done = found if isinstance(found, Done) else await subject.finish(*_with(found, prepared.handle))
        assert len(done.outputs) == 1
    else:
        assert isinstance(found, CannotTell)
    await task


def _with(found: Recovered, handle: Handle) -> tuple[Handle, Pending]:
    assert isinstance(found, Pending), found
    return found.handle or handle, found


async def recovered(subject: Subject, handle: Handle, moments: object) -> Recovered:
    """Ask until the answer is more than "still looking"."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = await subject.adapter.recover(handle, moments)  # type: ignore[arg-type]
            if not isinstance(found, Pending) or found.found:
                return found
            handle = found.handle or handle
            await asyncio.sleep(min(found.poll_after_s / SPEED, 0.1))


async def test_recovery_of_what_never_arrived_allows_another_submit(subject: Subject) -> None:
    """Nothing was sent: the backend that can be asked says so, and the other admits that it cannot."""
    order = subject.order(ImageGenerate(prompt=WORDS))
    handle = subject.adapter.prepare(order).handle
    found = await recovered(subject, handle, subject.moments(later_s=30))
    assert isinstance(found, Absent if order.capability.recover else CannotTell)


async def test_cancel_does_what_the_capability_says(subject: Subject) -> None:
    """`stops`, `forgets` or `cannot`: never more is claimed than was done."""
    order = subject.order(ImageGenerate(prompt=f"{WORDS} [[slow:60]]"))
    prepared = subject.adapter.prepare(order)
    task = asyncio.create_task(subject.adapter.submit(prepared.handle, order, (), lambda _note: None))
    if order.capability.blocking:
        await asyncio.sleep(0.2)
        handle = prepared.handle
    else:
        answer = await task
        assert isinstance(answer, Pending)
        handle = answer.handle or prepared.handle
        await _until_running(subject, handle)
    said = await subject.adapter.cancel(handle)
    assert isinstance(said, Stopped)
    allowed = {"stops": {"stopped"}, "forgets": {"forgotten", "stopped"}, "cannot": {"cannot"}}
    assert said.answer in allowed[order.capability.cancel]
    assert said.detail
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _until_running(subject: Subject, handle: Handle) -> None:
    for _ in range(200):
        polled = (await subject.adapter.poll([handle]))[handle.id]
        if isinstance(polled, Pending) and polled.phase not in ("queued_at_backend", None):
            return
        await asyncio.sleep(0.02)


async def test_native_failures_become_catalogue_codes(subject: Subject) -> None:
    """A forced failure comes out as its code, with the native one beside it and none of its words."""
    for token, code in FAILURES[subject.dialect].items():
        order = subject.order(ImageGenerate(prompt=f"canary-words [[{token}]]"))
        with pytest.raises(CatalogError) as caught:
            await subject.finish(*await subject.start(order))
        assert caught.value.code == code, token
        assert "canary" not in str(caught.value.problem())


@pytest.mark.parametrize(
    ("token", "outcome"),
    [("cut", "unknown"), ("cut_body", "unknown"), ("html", "unknown"), ("garbage", "unknown"), ("hang:30", "unknown")],
)
async def test_an_answer_that_is_lost_is_never_taken_for_a_refusal(subject: Subject, token: str, outcome: str) -> None:
    """A broken, unreadable or missing answer to a submit says nothing about whether the work began."""
    order = subject.order(ImageGenerate(prompt=f"{WORDS} [[{token}]]"))
    with pytest.raises(CatalogError) as caught:
        await subject.start(order)
    assert caught.value.outcome == outcome
    assert caught.value.code in ("backend.unavailable", "backend.timeout", "backend.bad_response")
    assert caught.value.facts.get("reason") in ("answer_lost", "not_json")


async def test_the_preview_shows_the_request_and_no_secret(subject: Subject) -> None:
    """What `dry_run` shows is what is sent, without keys and pictures."""
    order = subject.order(ImageGenerate(prompt=WORDS))
    preview = subject.adapter.prepare(order).preview
    await subject.finish(*await subject.start(order))
    sent = dict(await subject.submitted())
    assert preview["body"] == sent
    assert "imgen-sandbox-key" not in str(preview)


async def test_preparing_twice_makes_the_same_handle(subject: Subject) -> None:
    """`prepare` is pure: after a crash the same attempt has the same request id, seed and fingerprint."""
    order = subject.order(ImageGenerate(prompt=WORDS))
    first, second = subject.adapter.prepare(order), subject.adapter.prepare(order)
    assert msgspec.json.encode(first) == msgspec.json.encode(second)
