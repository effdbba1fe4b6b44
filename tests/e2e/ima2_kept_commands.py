"""The commands about what an ima2 server keeps itself: sessions, style sheets, the prompt builder, and its gallery.

`session graph save` and `load` are not here: they read `session.graph`, which no server of any build tells; and
`style-sheet extract` sends no prompt, which every server refuses. Both fail against the real servers too.
"""

from tests.e2e.ima2_commands import COUNT, OBJECT, TEXT, YES_OR_NO, Command, each

SESSIONS: tuple[Command, ...] = (
    Command(
        line='session create "a story"',
        method="POST",
        path="/api/sessions",
        body={"title": "a story"},
        reads={"session.id": TEXT},
        keeps={"session": "session.id"},
    ),
    Command(
        line="session ls",
        path="/api/sessions",
        reads=each("sessions[]", {"id": TEXT, "title": TEXT, "createdAt": COUNT}),
    ),
    Command(line="session show {session}", path="/api/sessions/{session}", reads={"session.title": TEXT}),
    Command(
        line='session rename {session} "another story"',
        method="PATCH",
        path="/api/sessions/{session}",
        body={"title": "another story"},
    ),
    Command(
        line="session style-sheet put {session} sheet.json",
        method="PUT",
        path="/api/sessions/{session}/style-sheet",
        body={"styleSheet": {"palette": "red"}},
    ),
    Command(
        line="session style-sheet enable {session}",
        method="PATCH",
        path="/api/sessions/{session}/style-sheet/enabled",
        body={"enabled": True},
    ),
    Command(
        line="session style-sheet get {session}",
        path="/api/sessions/{session}/style-sheet",
        reads={"styleSheet": OBJECT, "enabled": YES_OR_NO},
    ),
    Command(line="session rm {session} --yes", method="DELETE", path="/api/sessions/{session}"),
    Command(
        line='prompt build --message "more cinematic"',
        method="POST",
        path="/api/prompt-builder/chat",
        body={"messages": [{"role": "user", "content": "more cinematic"}]},
        reads={"message.content": TEXT},
    ),
)
