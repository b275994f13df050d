"""The XStak API: one request, one answer. Knows no field of an order."""
