"""Mail to vendors: planned, approved and sent once, as any other write."""
