"""The ERP systems, and the one door to write."""
