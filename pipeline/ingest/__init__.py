"""From a shop's files to an immutable snapshot: layouts, cleaning, the reject report."""
