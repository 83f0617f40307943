"""How each vendor lays out orders, products and inventory, one table of aliases a file."""
