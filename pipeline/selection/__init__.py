"""Which candidates become bundles: scoring, gates, dedup, portfolio, diversity."""
