"""A till that does at checkout what POSaBIT does with AIQ's key and UID."""

from simulators.till.till import Redemption, Template, Till, TillRefused, Wallet

__all__ = ["Redemption", "Template", "Till", "TillRefused", "Wallet"]
