"""The whole product on one machine: the packaged template, deployed to a local AWS."""

from tools.stack.local import LocalStack

__all__ = ["LocalStack"]
