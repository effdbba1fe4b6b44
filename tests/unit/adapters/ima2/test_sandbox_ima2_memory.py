"""What the sandbox keeps, replayed in the recorded order: nodes, files, history, sessions and graphs, the registry."""

import asyncio
import io
import json
from typing import Any

import pytest
from PIL import Image

from tests.unit.adapters.ima2.native import SMALL, Client, Serve
from tests.unit.adapters.ima2.recorded import Recording

SESSION = "s_01M7Y3JK66QPH6B4SPR5S5913G"
NODE = "n_255b6220a8"
LOST_NODE = "n_b6aa9101a6"


async def replay(client: Client, name: str, ids: dict[str, str] | None = None) -> Any:
    """Send a recorded request again, compare, and return the answer."""
    recording = Recording(name, ids)
    method, path, how = recording.translated()
    reply = await client.ask(method, path, **how)
    assert recording.differences(reply.status, reply.headers, reply.body) == [], name
    return reply


async def test_a_node_is_read_continued_and_served_as_recorded(serve: Serve) -> None:
    """A stored node answers its own route, feeds its children, and lies there with a public sidecar."""
    async with serve() as client:
        made = await client.node("a shiba in space", requestId="nd-2", sessionId="s_x", clientNodeId="c2")
        jpeg = await client.node("a shiba in space", format="jpeg")
        ids = {NODE: made.json["nodeId"], "n_e4344e6572": jpeg.json["nodeId"]}
        names = ("node_get_ok", "node_get_jpeg", "node_child_json", "node_child_parentonly", "node_child_sse",
                 "node_child_up_empty", "node_external_filename", "node_file", "file_range")  # fmt: skip
        for name in names:
            await replay(client, name, ids)
        meta = (await client.ask("GET", f"/api/node/{made.json['nodeId']}")).json["meta"]
        assert (await client.ask("GET", f"/generated/{made.json['filename']}.json")).json == meta


async def test_stored_files_are_converted_and_carry_the_prompt(serve: Serve) -> None:
    """Inline bytes are PNG whatever was asked; the stored file has the format, and the prompt as XMP (wire §3)."""
    async with serve() as client:
        for name, kind in (("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP")):
            reply = await client.generate("a heron at dawn", format=name)
            assert reply.json["image"].startswith(f"data:image/{name};base64,")
            assert Image.open(io.BytesIO(reply.picture)).format == "PNG"
            stored = (await client.ask("GET", f"/generated/{reply.json['filename']}")).body
            image = Image.open(io.BytesIO(stored))
            image.load()
            assert image.format == kind
            assert b"a heron at dawn" in stored
            assert b"a heron at dawn" not in reply.picture


async def test_files_are_fresh_for_ever_and_sent_in_parts(serve: Serve) -> None:
    """Weak ETags give 304, one range gives 206, an impossible one 416, and dot folders are not there."""
    async with serve() as client:
        name = (await client.generate("a fox")).json["filename"]
        whole = await client.ask("GET", f"/generated/{name}")
        fresh = await client.ask("GET", f"/generated/{name}", headers={"If-None-Match": whole.headers["ETag"]})
        part = await client.ask("GET", f"/generated/{name}", headers={"Range": "bytes=2-5"})
        tail = await client.ask("GET", f"/generated/{name}", headers={"Range": "bytes=-4"})
        beyond = await client.ask("GET", f"/generated/{name}", headers={"Range": "bytes=99999999-"})
        since = {"If-Modified-Since": whole.headers["Last-Modified"]}
        unchanged = await client.ask("GET", f"/generated/{name}", headers=since)
        await replay(client, "file_trash_dot")
    assert (fresh.status, fresh.body, fresh.headers.get("Content-Type")) == (304, b"", None)
    assert (part.status, part.body) == (206, whole.body[2:6])
    assert part.headers["Content-Range"] == f"bytes 2-5/{len(whole.body)}"
    assert tail.body == whole.body[-4:]
    assert beyond.status == 416
    assert unchanged.status == 304


async def test_json_answers_carry_the_etag_of_express(serve: Serve) -> None:
    """The weak ETag is made of length and SHA-1 as the recorded servers made it, and is honoured."""
    async with serve() as client:
        recorded = Recording("billing_nokey").response["headers"]["etag"]
        reply = await client.ask("GET", "/api/billing")
        assert reply.headers["ETag"] == recorded
        assert (await client.ask("GET", "/api/billing", headers={"If-None-Match": recorded})).status == 304


async def test_sessions_and_graphs_go_through_their_recorded_life(serve: Serve) -> None:
    """Create, rename, save by version in all its spellings, refuse, lose an asset, delete."""
    async with serve() as client:
        await replay(client, "sessions_list")
        made = await replay(client, "sessions_create")
        lost = await client.node("a cat")
        ids = {SESSION: made.json["session"]["id"], LOST_NODE: lost.json["nodeId"]}
        for name in ("sessions_create_nobody", "sessions_create_long", "sessions_create_titlenumber", "sessions_get",
                     "sessions_rename", "sessions_rename_blank", "style_get_empty", "style_put", "style_get",
                     "style_put_missingkey", "style_toggle_bad", "style_toggle_missing", "style_get_missing",
                     "style_toggle", "style_put_anyshape", "style_extract_nokey", "graph_ok_quoted", "graph_conflict",
                     "graph_ok_bare", "graph_quotes_only", "graph_float", "graph_hex"):  # fmt: skip
            await replay(client, name, ids)
        again = json.dumps(Recording("graph_hex").request["body"])
        headers = {"If-Match": "3e0", "Content-Type": "application/json"}
        path = f"/api/sessions/{ids[SESSION]}/graph"
        assert (await client.ask("PUT", path, data=again, headers=headers)).json["graphVersion"] == 4
        for name in ("graph_negative", "graph_list", "graph_star", "graph_text", "graph_no_ifmatch", "graph_not_arrays",
                     "graph_session_missing", "graph_session_after", "graph_dangling_edge", "graph_with_asset",
                     "history_delete", "graph_after_delete", "history_delete_again", "sessions_delete",
                     "sessions_delete_again"):  # fmt: skip
            await replay(client, name, ids)


async def test_graphs_refuse_what_the_database_would(serve: Serve) -> None:
    """Too many edges, two parents, and two nodes with one id each have their own code (wire §9)."""
    async with serve() as client:
        session = (await client.ask("POST", "/api/sessions")).json["session"]["id"]
        two = [{"id": "a"}, {"id": "b"}, {"id": "c"}]
        parents = [{"id": "1", "source": "a", "target": "c"}, {"id": "2", "source": "b", "target": "c"}]
        for nodes, edges, status, code in (
            ([], [{"id": str(number)} for number in range(1001)], 413, "GRAPH_TOO_LARGE"),
            (two, parents, 409, "GRAPH_PARENT_CONFLICT"),
            ([{"id": "a"}, {"id": "a"}], [], 500, "SQLITE_CONSTRAINT_PRIMARYKEY"),
        ):
            body = {"nodes": nodes, "edges": edges}
            reply = await client.ask("PUT", f"/api/sessions/{session}/graph", json=body, headers={"If-Match": "0"})
            assert (reply.status, reply.json["error"]["code"]) == (status, code)


async def test_style_sheets_are_extracted_where_there_is_a_key(serve: Serve) -> None:
    """With a key the extraction answers as recorded, its failures too; without one it says so first."""
    async with serve() as client:
        session = (await client.ask("POST", "/api/sessions")).json["session"]["id"]
        ids = {"s_01M7Y3JKBAT7CFHEVTA5Y27VKY": session}
        await client.rules({"outcome": "api_key", "route": "POST /api/sessions/"})
        for name in ("style_extract_ok", "style_extract_noprompt", "style_extract_missing", "style_extract_chat_400",
                     "style_extract_chat_401", "style_extract_chat_empty", "style_extract_chat_nonjson",
                     "style_extract_chat_shape"):  # fmt: skip
            await replay(client, name, ids)


async def test_the_history_pages_groups_and_counts_as_recorded(serve: Serve) -> None:
    """Rows, cursors, groups and totals are as recorded; `since` is exclusive, junk limits are 50."""
    async with serve() as client:
        session = (await client.ask("POST", "/api/sessions", json={"title": "Renamed"})).json["session"]["id"]
        for fields in ({"sessionId": "s_1"}, {}, {}, {}, {"sessionId": session}):
            await client.generate("a shiba in space", **fields)
        rows = (await client.history())["items"]
        assert rows[0].keys() == Recording("history_default").response["body"]["items"][0].keys()
        await replay(client, "history_default")
        page = await client.history("?limit=2")
        cursor = page["nextCursor"]
        after = f"?limit=2&before={cursor['before']}&beforeFilename={cursor['beforeFilename']}"
        assert [row["filename"] for row in (await client.history(after))["items"]] == [
            row["filename"] for row in rows[2:4]
        ]
        assert page["total"] == 5
        assert (await client.history("?limit=junk"))["nextCursor"] is None
        assert (await client.history(f"?since={rows[0]['createdAt']}"))["items"] == []
        assert len((await client.history("?sessionId=s_1"))["items"]) == 1
        grouped = await client.history("?groupBy=session")
        recorded = Recording("history_grouped").response["body"]
        assert grouped.keys() == recorded.keys()
        assert grouped["sessions"][0].keys() == recorded["sessions"][0].keys()
        assert {each["label"] for each in grouped["sessions"]} == {"Renamed", "s_1"}
        assert len(grouped["loose"]) == 3


async def test_deleted_files_go_where_each_build_puts_them(serve: Serve) -> None:
    """HEAD has no way back; TAG has one for ten seconds; deleting for good is for good (wire §8)."""
    async with serve("head") as client:
        name = (await client.generate("a fox")).json["filename"]
        for recorded in ("history_delete_badpct", "history_delete_pct", "history_delete_escape",
                         "history_delete_permanent_missing", "history_restore_escape"):  # fmt: skip
            await replay(client, recorded)
        ids = {"1795232977042_7115e835_0.png": name}
        await replay(client, "history_delete_permanent", ids)
        unknown = await client.ask("POST", "/api/history/x.png/restore", json={"trashId": "abc"})
        assert unknown.status == 500
        assert unknown.json["error"].startswith("ENOENT: no such file or directory, rename '/srv/app/")
        assert (await client.ask("POST", "/api/history/x.png/restore")).json == {"error": "trashId required"}
    async with serve("tag", speed=20, where="tag") as client:
        name = (await client.generate("a fox [[slow:1]]")).json["filename"]
        deleted = await replay(client, "tag_history_delete", {"1795233284235_dc876236_0.png": name})
        path = f"/api/history/{name}/restore"
        assert (await client.ask("POST", path, json={"trashId": deleted.json["trashId"]})).json == {"ok": True}
        trash = (await client.ask("DELETE", f"/api/history/{name}")).json["trashId"]
        await asyncio.sleep(0.55)
        assert (await client.ask("POST", path, json={"trashId": trash})).status == 500
        assert (await client.ask("GET", f"/generated/{name}.json")).status == 404


async def test_favourites_belong_to_a_browser(serve: Serve) -> None:
    """A favourite is toggled, and shows only to the browser that set it."""
    async with serve() as client:
        name = (await client.generate("a fox")).json["filename"]
        mine = {"X-Ima2-Browser-Id": "b1"}
        assert (await client.ask("POST", "/api/history/favorite", json={})).json == {"error": "filename is required"}
        assert (await client.ask("POST", "/api/history/favorite", json={"filename": name})).status == 400
        body = {"filename": name}
        assert (await client.ask("POST", "/api/history/favorite", json=body, headers=mine)).json["isFavorite"] is True
        shown = (await client.ask("GET", "/api/history", headers=mine)).json["items"][0]["isFavorite"]
        others = (await client.ask("GET", "/api/history")).json["items"][0]["isFavorite"]
        assert (shown, others) == (True, False)
        assert (await client.ask("POST", "/api/history/favorite", json=body, headers=mine)).json["isFavorite"] is False


async def test_the_registry_shows_what_runs_and_how_it_ended(serve: Serve) -> None:
    """Rows of all kinds, filters, ends and phases are as recorded."""
    async with serve(speed=20) as client:
        await replay(client, "inflight_empty")
        picture = (await client.generate("an ant [[slow:1]]")).json["image"]
        ref = {"references": [picture], "sessionId": "s_1", "requestId": "inf-1"}
        prompt = "a shiba [[slow:6]]"
        begun = [
            asyncio.ensure_future(each)
            for each in (
                client.generate(prompt, **ref),
                client.node(prompt, requestId="inf-2", sessionId="s_1", clientNodeId="c9"),
                client.edit(prompt, picture, requestId="inf-4"),
                client.multimode(prompt, requestId="inf-3", maxImages=2),
            )
        ]
        recorded = {job["requestId"]: job for job in Recording("inflight_active").response["body"]["jobs"]}
        await asyncio.sleep(0.1)
        jobs = (await client.ask("GET", "/api/inflight")).json["jobs"]
        assert {job["requestId"] for job in jobs} == recorded.keys()
        for job in jobs:
            assert job.keys() == recorded[job["requestId"]].keys()
            assert job["meta"].keys() == recorded[job["requestId"]]["meta"].keys()
            assert (job["kind"], job["phase"]) == (recorded[job["requestId"]]["kind"], "streaming")
        assert [job["requestId"] for job in (await client.ask("GET", "/api/inflight?kind=node")).json["jobs"]] == [
            "inf-2"
        ]
        assert (await client.ask("GET", "/api/health")).json["activeJobs"] == 4
        await asyncio.gather(*begun)
        ends = {end["requestId"]: end for end in (await client.inflight())["terminalJobs"]}
        for end in Recording("inflight_terminal").response["body"]["terminalJobs"]:
            assert ends[end["requestId"]].keys() == end.keys()
            assert ends[end["requestId"]]["meta"].keys() == end["meta"].keys()
            assert ends[end["requestId"]]["phase"] == "decoding"
        await replay(client, "inflight_delete_unknown")


async def test_failed_checks_leave_the_recorded_ends(serve: Serve) -> None:
    """Node and edit leave an end for a failed check, generate for references only, multimode none (wire §7)."""
    async with serve() as client:
        await client.node("", requestId="v-node")
        await client.edit("x", "", requestId="v-edit")
        await client.generate("x", references=5, requestId="v-gen-ref")
        await client.generate("", requestId="v-gen")
        await client.multimode("", requestId="v-multi")
        ends = {end["requestId"]: end["errorCode"] for end in (await client.inflight())["terminalJobs"]}
    assert ends == {"v-node": "INVALID_PROMPT", "v-edit": "INVALID_EDIT_INPUT", "v-gen-ref": "REF_NOT_ARRAY"}


async def test_a_second_request_with_the_same_id_hides_the_first(serve: Serve) -> None:
    """TAG and HEAD run both, and the second one's end takes the first one's row away (wire §7)."""
    async with serve(speed=20) as client:
        first = asyncio.ensure_future(client.generate("one [[slow:8]]", requestId="dup-1"))
        await asyncio.sleep(0.05)
        assert (await client.generate("two [[slow:1]]", requestId="dup-1")).status == 200
        assert (await client.inflight())["jobs"] == []
        assert not first.done()
        assert (await first).status == 200
        assert (await client.history())["total"] == 2
        assert len(await client.upstream("dup-1")) == 2


async def test_deleting_a_row_stops_nothing_on_head(serve: Serve) -> None:
    """The row is called canceled, the picture is made, and the first request still gets it (recorded)."""
    async with serve(speed=20) as client:
        running = asyncio.ensure_future(client.generate("a fox", requestId="can-1"))
        await asyncio.sleep(0.05)
        await replay(client, "inflight_delete")
        end = (await client.inflight())["terminalJobs"][0]
        recorded = Recording("inflight_after_delete").response["body"]["terminalJobs"][0]
        assert end.keys() == recorded.keys()
        assert (end["status"], end["phase"]) == ("canceled", "streaming")
        assert (await running).status == 200
        assert (await client.history())["items"][0]["requestId"] == "can-1"


async def test_a_format_is_a_file_name_and_never_leaves_the_directory(serve: Serve, tmp_path: Any) -> None:
    """An unknown format becomes the ending, unlisted; one that climbs is answered as recorded and climbs nowhere."""
    async with serve() as client:
        bmp = await client.generate("a fox", format="bmp")
        served = await client.ask("GET", f"/generated/{bmp.json['filename']}")
        await client.generate("a fox", format="png/../../../../../escaped")
        assert (await client.history())["total"] == 0
    assert served.headers["Content-Type"] == "image/bmp"
    assert served.body == bmp.picture
    assert not [path for path in tmp_path.parent.rglob("escaped*") if "data" not in path.parts]


@pytest.mark.parametrize("size", [None, "auto", {"w": 1}, "0x0", "64x32", "10x10"])
async def test_sizes_are_not_checked(serve: Serve, size: Any) -> None:
    """Any size is taken, echoed, and painted as well as it can be (wire §3)."""
    async with serve() as client:
        reply = await client.ask("POST", "/api/generate", json={**SMALL, "prompt": "a fox", "size": size})
    expected = {"64x32": (64, 32), "10x10": (10, 10), "0x0": (8, 8)}.get(str(size), (1024, 1024))
    assert reply.json["size"] == size
    assert Image.open(io.BytesIO(reply.picture)).size == expected
