"""Where the truth is kept: stores, snapshots, runs, bundles. Nothing else speaks SQL."""
