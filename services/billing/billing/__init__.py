"""Billing: invoices, payments, refunds."""
