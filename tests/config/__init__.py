"""Tests of tap_xstak_oms/config."""
