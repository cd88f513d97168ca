"""infra/*.yaml become one template."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.template import infra_template


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def test_files_are_joined_and_sections_of_anchors_left_out(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        one="x-base: &base {Size: 1}\nResources:\n  A: {<<: *base, Name: a}\n",
        two="Resources:\n  B: {Name: b}\nOutputs:\n  Out: {Value: 1}\n",
    )

    template = infra_template(folder)

    assert template == {
        "Resources": {"A": {"Size": 1, "Name": "a"}, "B": {"Name": "b"}},
        "Outputs": {"Out": {"Value": 1}},
    }


def test_short_forms_become_what_cloudformation_reads_in_json(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        one="Resources:\n  A: !If [X, !Sub '${B.Arn}', !GetAtt B.Arn]\n  C: !Ref B\n",
    )

    resources = infra_template(folder)["Resources"]

    assert resources["A"] == {
        "Fn::If": ["X", {"Fn::Sub": "${B.Arn}"}, {"Fn::GetAtt": ["B", "Arn"]}]
    }
    assert resources["C"] == {"Ref": "B"}


def test_two_files_cannot_define_the_same_thing(tmp_path: Path) -> None:
    folder = write(tmp_path, one="Resources:\n  A: {}\n", two="Resources:\n  A: {}\n")

    with pytest.raises(ValueError, match=r"two\.yaml.*'A'"):
        infra_template(folder)


def test_a_table_in_use_is_the_one_its_parameter_names_or_the_stacks_own(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        one="Resources:\n  A: !InUse T\n  B: !TableArn T\n  C: !TableArn T/index/i\n"
        "  D: !BucketArn B/*/x\n",
    )
    arn = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${TName}"

    assert infra_template(folder)["Resources"] == {
        "A": {"Fn::If": ["OtherT", {"Ref": "TName"}, {"Ref": "T"}]},
        "B": {"Fn::If": ["OtherT", {"Fn::Sub": arn}, {"Fn::GetAtt": ["T", "Arn"]}]},
        "C": {"Fn::If": ["OtherT", {"Fn::Sub": f"{arn}/index/i"}, {"Fn::Sub": "${T.Arn}/index/i"}]},
        "D": {
            "Fn::If": [
                "OtherB",
                {"Fn::Sub": "arn:${AWS::Partition}:s3:::${BName}/*/x"},
                {"Fn::Sub": "${B.Arn}/*/x"},
            ]
        },
    }
