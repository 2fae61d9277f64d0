"""What ECS and CloudFormation accept: names, types, required fields, enumerations, ranges and patterns.

The tables in `data/` are generated (tests/tools/shapes.py) from botocore's service model and from the resource schemas
that cfn-lint ships; `source` in each names the version.
"""
