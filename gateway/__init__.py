"""Our own rooms: what takes jobs in, carries them, remembers them and shows them."""
