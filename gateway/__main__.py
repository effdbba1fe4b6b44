"""`python -m gateway` is `triptych`."""

from gateway.cli import main

main()
