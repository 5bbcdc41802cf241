"""Receipts: an append-only Merkle log of every decision, and the proof of it that each filer holds."""
