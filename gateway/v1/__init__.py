"""Our own face: the routes of v1. It knows its desk and nothing behind it."""
