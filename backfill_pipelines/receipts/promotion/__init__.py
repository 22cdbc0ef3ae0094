"""Promotion of images from the dev table to the prod table: inventory, plan, staged copy, embeddings, rollback.

Shares items, keys, ledger form, leases and rollback rules with the place migration one folder up.
"""
