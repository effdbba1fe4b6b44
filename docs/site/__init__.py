"""How the pages become a site: `python -m docs.site`, or `make docs`."""
