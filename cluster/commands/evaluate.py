"""`basketry evaluate`: how good the bundles are, on orders that no run saw."""
