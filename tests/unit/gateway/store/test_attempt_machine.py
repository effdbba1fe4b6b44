import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from msgspec import structs

from contracts.job import ENTERED_FROM, STATES, TERMINAL, JobState
from gateway.store import query
from gateway.store.change import Advance
from gateway.store.database import DataDir
from gateway.store.keep import RaiseEpochs
from gateway.store.record import AttemptRecord
from gateway.store.store import Store
from tests.unit.gateway.store.rows import NOW, accept_of, attempt_row, job_row, queued


class AttemptTable(RuleBasedStateMachine):
    """Jobs and attempts as the store keeps them, against plain dictionaries that say what the rules are."""

    jobs: Bundle[str] = Bundle("jobs")
    #: An attempt as somebody holds it: the job, its number, and the epoch that the holder believes in.
    held: Bundle[tuple[str, int, int]] = Bundle("held")

    def __init__(self, template: Path) -> None:
        """Open a store of its own, and begin with nothing."""
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        made = DataDir(self.folder)
        made.make()
        shutil.copyfile(template, made.database)
        self.runner = asyncio.Runner()
        self.store = Store(made)
        self.states: dict[str, JobState] = {}
        self.told: dict[str, int] = {}
        self.attempts: dict[tuple[str, int], AttemptRecord] = {}

    def teardown(self) -> None:
        """Close and remove it."""
        self.store.close()
        self.runner.close()
        shutil.rmtree(self.folder)

    def write(self, command: Any) -> Any:
        """Write a command."""
        return self.runner.run(self.store.write(command))

    @rule(target=jobs)
    def accept(self) -> str:
        """A job comes."""
        job = job_row()
        self.write(accept_of(job))
        self.states[job.id], self.told[job.id] = "queued", 1
        return job.id

    @rule(target=held, job=jobs)
    def claim(self, job: str) -> Any:
        """A part of it is given out."""
        n = 1 + max((n for each, n in self.attempts if each == job), default=0)
        attempt = attempt_row(job, n)
        legal = self.states[job] in ("queued", "running")
        changed = self.write(Advance(job_id=job, team="red", to="running", claim=attempt, events=(queued(job),)))
        assert changed == ("done" if legal else "late")
        if not legal:
            return multiple()
        self.states[job] = "running"
        self.told[job] += 1
        self.attempts[job, n] = attempt
        return job, n, 1

    @rule(held=held, phase=st.sampled_from(["image", "review"]))
    def note(self, held: tuple[str, int, int], phase: str) -> None:
        """Something happens on the way: the attempt takes note as long as it is held, the job as long as it runs."""
        job, n, epoch = held
        changed = self.write(
            Advance(job_id=job, team="red", job={"phase": phase}, n=n, epoch=epoch, attempt={"phase": phase})
        )
        if not self._is_mine(held):
            assert changed == "fenced"
            return
        assert changed == ("done" if self.states[job] == "running" else "late")
        self.attempts[job, n] = structs.replace(self.attempts[job, n], phase=phase)  # type: ignore[arg-type]

    @rule(held=held, to=st.none() | st.sampled_from(STATES), told=st.booleans())
    def close(self, held: tuple[str, int, int], to: JobState | None, told: bool) -> None:  # noqa: FBT001 - drawn
        """An attempt ends, and perhaps its job with it."""
        job, n, epoch = held
        changed = self.write(
            Advance(
                job_id=job,
                team="red",
                to=to,
                n=n,
                epoch=epoch,
                attempt={"is_open": False, "closed_at": NOW, "how": "done"},
                late={"is_open": False, "closed_at": NOW, "how": "late_result"},
                events=(queued(job),) if told else (),
            )
        )
        if not self._is_mine(held):
            assert changed == "fenced"
            return
        legal = to is None or self.states[job] in ENTERED_FROM[to]
        assert changed == ("done" if legal else "late")
        how = "done" if legal else "late_result"
        self.attempts[job, n] = structs.replace(self.attempts[job, n], is_open=False, closed_at=NOW, how=how)
        if legal:
            self.states[job] = to or self.states[job]
            self.told[job] += told

    @rule(job=jobs, to=st.sampled_from(STATES))
    def move(self, job: str, to: JobState) -> None:
        """A job moves by our own decision."""
        changed = self.write(Advance(job_id=job, team="red", to=to))
        legal = self.states[job] in ENTERED_FROM[to]
        assert changed == ("done" if legal else "late")
        if legal:
            self.states[job] = to

    @rule()
    def restart(self) -> None:
        """Another process takes every open attempt up: whoever held one before is fenced off."""
        opened = [key for key, attempt in self.attempts.items() if attempt.is_open]
        assert self.write(RaiseEpochs()) == len(opened)
        for key in opened:
            self.attempts[key] = structs.replace(self.attempts[key], epoch=self.attempts[key].epoch + 1)

    @rule(target=held, held=consumes(held))
    def take_up(self, held: tuple[str, int, int]) -> tuple[str, int, int]:
        """A holder learns its epoch."""
        job, n, _ = held
        return job, n, self.attempts[job, n].epoch

    def _is_mine(self, held: tuple[str, int, int]) -> bool:
        attempt = self.attempts[held[0], held[1]]
        return attempt.is_open and attempt.epoch == held[2]

    @invariant()
    def the_tables_are_what_the_rules_say(self) -> None:
        """Every row is as the dictionaries have it, and what is asked for at start is exactly what is open."""
        read = self.store.reader.read_now
        for job, state in self.states.items():
            found = read(lambda c, job=job: query.job(c, job))
            assert found is not None
            assert found.state == state
            assert read(lambda c, job=job: query.attempts(c, job)) == [
                attempt for (each, _), attempt in sorted(self.attempts.items()) if each == job
            ]
            lines = read(lambda c, job=job: query.job_lines(c, job, 0))
            assert len(lines) == self.told[job]
            assert found.last_event_id == lines[-1].id
        opened = read(query.open_attempts)
        assert {(each.job_id, each.n) for each in opened} == {
            key for key, each in self.attempts.items() if each.is_open
        }
        waiting = [job for job, state in self.states.items() if state not in TERMINAL]
        assert [each.id for each in read(query.open_jobs)] == sorted(waiting)


@pytest.mark.timeout(60)
def test_the_attempt_table_keeps_its_rules(empty_database: Path) -> None:
    """Whatever is written in whatever order, by living and by fenced carriers: the rows are what the rules say."""
    run_state_machine_as_test(
        lambda: AttemptTable(empty_database), settings=settings(max_examples=40, stateful_step_count=30, deadline=None)
    )
