"""What was sent, and what the backend says it used instead."""

from msgspec import UnsetType, structs

from contracts.job import Effective


def merged(sent: Effective, came: Effective | None) -> Effective:
    """Lay what the backend says it used over what was sent; of the options, each one apart."""
    if came is None:
        return sent
    known = {
        field.name: value
        for field in structs.fields(came)
        if not isinstance(value := getattr(came, field.name), UnsetType)
    }
    if isinstance(sent.options, dict) and isinstance(came.options, dict):
        known["options"] = {**sent.options, **came.options}
    return structs.replace(sent, **known)
