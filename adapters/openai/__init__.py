"""The shapes of the OpenAI API for pictures and films: a dialect that has only a face, no backend speaks it."""

from adapters.openai.face import FACE
from contracts.port import Dialect

DIALECT = Dialect(name="openai", title="OpenAI Images and Videos", face=FACE)
