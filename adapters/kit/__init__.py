"""What all dialects share: one HTTP exchange, error tables, and the machinery of their sandboxes."""
