"""Keeping an origination number for an account: what is refused before anything is asked of AWS."""

from __future__ import annotations

import pytest

from tools.number import assign
from tools.steps import StepFailed


@pytest.mark.parametrize("typed", ["", "12", "+442079460000", "+18765550100", "a number"])
def test_what_is_no_number_of_the_us_or_canada_is_not_assigned(typed: str) -> None:
    def no_client(service: str) -> object:
        raise AssertionError(f"{service} was asked")

    with pytest.raises(StepFailed):
        assign(no_client, {}, typed, "3912")
