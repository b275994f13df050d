"""Tests of tap_xstak_oms/records."""
