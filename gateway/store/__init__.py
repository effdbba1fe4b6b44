"""What survives: tables, one writer that commits in groups, readers of their own, and the files of assets."""
