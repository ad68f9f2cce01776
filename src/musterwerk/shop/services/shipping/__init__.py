"""Shipping: parcels with a tracking number, which can be cancelled until they are handed over."""
