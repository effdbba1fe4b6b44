"""Every foreign word, one folder a dialect. The folders never meet; only `kit` is shared."""
