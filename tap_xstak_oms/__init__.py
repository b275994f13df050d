"""A Singer tap for the XStak OMS sales API."""
