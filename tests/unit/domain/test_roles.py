"""The rights of product.md §13."""

from __future__ import annotations

import pytest

from chalicelib.domain.roles import RIGHTS, RIGHTS_OF, ROLES, Right, Role, has_right


def test_the_owner_may_do_everything() -> None:
    assert all(has_right("Owner", right) for right in RIGHTS)


@pytest.mark.parametrize(
    ("right", "roles"),
    [
        ("integrations:write", {"Owner", "Operator"}),
        ("settings:write", {"Owner", "Operator"}),
        ("stores:write", {"Owner", "Operator"}),
        ("runs:write", {"Owner", "Operator"}),
        ("account:write", {"Owner", "Operator"}),
        ("team:read", {"Owner"}),
        ("team:write", {"Owner"}),
        ("keys:write", {"Owner"}),
        ("personas:erase", {"Owner"}),
        ("sources:erase", {"Owner"}),
        ("sources:trust", {"Owner"}),
        ("points:adjust", {"Owner", "Manager"}),
        ("discounts:write", {"Owner", "Marketing"}),
        ("previews:run", {"Owner", "Operator", "Marketing"}),
        ("personas:export", {"Owner", "Analyst"}),
        ("personas:read", {"Owner", "Operator", "Marketing", "Analyst", "Manager"}),
        ("counter:use", {"Owner", "Manager", "Staff"}),
    ],
)
def test_a_right_belongs_to_these_roles_and_no_others(right: Right, roles: set[Role]) -> None:
    assert {role for role in ROLES if has_right(role, right)} == roles


def test_staff_see_nothing_but_their_own_view() -> None:
    assert RIGHTS_OF["Staff"] == {"counter:use"}


def test_an_analyst_changes_nothing() -> None:
    changing = {right for right in RIGHTS_OF["Analyst"] if not right.endswith(":read")}

    assert changing == {"personas:export"}


def test_every_role_has_its_rights_and_none_that_is_unknown() -> None:
    assert set(RIGHTS_OF) == set(ROLES)
    assert frozenset().union(*RIGHTS_OF.values()) == RIGHTS
