"""The edges: one module per system, each a thin resource over a vendor's own client. No assets, no domain."""
