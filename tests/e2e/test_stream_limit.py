"""A team may listen to so many streams at once, and no more."""

from pathlib import Path

import httpx

from tests.e2e.asked import wait_for
from tests.e2e.keyed import KeyedGateway
from tests.e2e.listening_in import Listener


def status_of_a_stream(http: httpx.Client) -> int:
    """Ask for a stream and hang up at once."""
    with http.stream("GET", "/v1/events", headers={"Accept": "text/event-stream"}) as response:
        return response.status_code


def test_a_team_listens_to_as_many_streams_as_it_may(backends: dict[str, dict[str, object]], tmp_path: Path) -> None:
    """One more is refused, before a job exists; another team is not touched, and an end makes room."""
    running = KeyedGateway(tmp_path, backends, settings={"limits": {"streams_per_team": 2}})
    try:
        red, blue = running.client("red"), running.client("blue")
        open_now = [Listener(red, "/v1/events") for _ in range(2)]
        refused = red.get("/v1/events", headers={"Accept": "text/event-stream"})
        assert (refused.status_code, refused.json()["code"]) == (429, "quota.rate_limited")
        assert (refused.json()["limit_name"], refused.json()["limit"]) == ("concurrency", 2)
        assert "Retry-After" in refused.headers
        created = red.post(
            "/v1/jobs",
            json={"operation": "image.generate", "prompt": "a fox"},
            headers={"Accept": "text/event-stream"},
        )
        assert created.status_code == 429
        assert red.get("/v1/jobs").json()["jobs"] == []
        Listener(blue, "/v1/events").close()
        for listener in open_now:
            listener.close()
        wait_for(lambda: status_of_a_stream(red) == 200, "room for another stream")
    finally:
        running.stop()
