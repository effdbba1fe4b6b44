"""The vocabulary: values and ports, and nothing that does I/O. Read this room first."""
