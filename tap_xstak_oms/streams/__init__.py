"""The streams: the SDK's hooks, and nothing else."""

from tap_xstak_oms.streams.orders import SalesOrdersStream
from tap_xstak_oms.streams.reads import SalesOrderReadsStream

__all__ = ["SalesOrderReadsStream", "SalesOrdersStream"]
