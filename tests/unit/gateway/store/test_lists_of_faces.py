"""Lists as faces need them: by several states and operations, by counting, without what was hidden, with notes."""

from gateway.store import alias, query
from gateway.store.alias import TakeName
from gateway.store.query import Filter
from gateway.store.record import AliasRecord
from gateway.store.store import Store
from tests.unit.gateway.store.rows import NOW, accept_of, job_row


def name(job_id: str, kind: str, team: str = "red", note: dict[str, object] | None = None) -> TakeName:
    """Return a face's name for a job, which is the job's own id."""
    return TakeName(AliasRecord(face="f", team=team, kind=kind, native_id=job_id, job_id=job_id, note=note))


async def three(store: Store) -> list[str]:
    """Store an edit, a film and a picture of one team, oldest first, and a picture of another; return the first ids."""
    rows = [
        job_row(team=team, operation=operation, created_at=NOW + at)
        for at, (team, operation) in enumerate(
            (("red", "image.edit"), ("red", "video.generate"), ("red", "image.generate"), ("blue", "image.generate"))
        )
    ]
    for job in rows:
        await store.write(accept_of(job))
    return [job.id for job in rows[:3]]


async def listed(store: Store, wanted: Filter) -> list[str]:
    """Return the ids of a page."""
    return [each.id for each in await store.read(lambda c: query.jobs_page(c, wanted))]


async def test_a_list_takes_several_operations_and_states(store: Store) -> None:
    """Any of them, and none named means all."""
    edit, film, picture = await three(store)
    pictures = ("image.generate", "image.edit")
    assert await listed(store, Filter(team="red", operations=pictures)) == [picture, edit]
    assert await listed(store, Filter(team="red", states=("queued", "running"))) == [picture, film, edit]
    assert await listed(store, Filter(team="red", states=("failed", "blocked"))) == []


async def test_a_list_can_be_counted_through(store: Store) -> None:
    """An offset passes over so many of what is wanted."""
    edit, film, picture = await three(store)
    pages = [await listed(store, Filter(team="red", limit=1, offset=at)) for at in range(4)]
    # One more than asked tells that there is a next one.
    assert pages == [[picture, film], [film, edit], [edit], []]


async def test_what_a_face_hid_is_in_none_of_its_lists_and_counts(store: Store) -> None:
    """Hidden under one kind of name by one team: another kind, and another team's name, hide nothing."""
    edit, film, picture = await three(store)
    await store.write(name(edit, "gone"))
    await store.write(name(film, "other"))
    await store.write(name(picture, "gone", team="blue"))
    wanted = Filter(team="red", unless_named=("f", "gone"))
    assert await listed(store, wanted) == [picture, film]
    assert await store.read(lambda c: query.job_counts(c, wanted)) == {"queued": 2}
    assert await store.read(lambda c: query.job_counts(c, Filter(team="red"))) == {"queued": 3}
    assert await store.read(lambda c: query.job_counts(c, Filter(team="green"))) == {}


async def test_notes_are_found_for_many_jobs_at_once(store: Store) -> None:
    """For more jobs than one question may name; of the team's own alone."""
    edit, film, picture = await three(store)
    await store.write(name(edit, "sent", note={"n": 1}))
    await store.write(name(film, "gone", note={"n": 2}))
    await store.write(name(picture, "sent", note={"n": 3}))
    asked = [f"job_{number}" for number in range(1200)] + [edit, film, picture]
    found = await store.read(lambda c: alias.of_jobs(c, team="red", face="f", kind="sent", job_ids=asked))
    assert {each.job_id: each.note for each in found} == {edit: {"n": 1}, picture: {"n": 3}}
    assert await store.read(lambda c: alias.of_jobs(c, team="blue", face="f", kind="sent", job_ids=asked)) == []
