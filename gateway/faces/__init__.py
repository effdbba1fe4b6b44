"""Faces: dialects offered to clients in front of the gateway, each behind a door that settles who asks."""
