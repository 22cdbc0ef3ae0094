"""The parts of ``nba_peers``: environments, projects, child processes, the comparison of rows."""
