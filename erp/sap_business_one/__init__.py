"""SAP Business One, Service Layer, OData version 4."""
