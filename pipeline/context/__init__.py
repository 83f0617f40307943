"""All that a run knows about a store: features, mining, similarity, objectives."""
