"""Who may: keys, teams, scopes, and URLs that are signed."""
