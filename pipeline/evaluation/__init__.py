"""How good bundles are: temporal holdout, metrics, baselines and arms."""
