"""The version of the whole, as it was installed."""

from importlib.metadata import version

VERSION = version("triptych")
