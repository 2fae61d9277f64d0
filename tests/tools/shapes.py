"""Writes the tables of shapes: `python -m tests.tools.shapes [--cloudformation FOLDER] [--check]`.

`api.json` comes from botocore's ECS service model, which must have the version that is pinned here; `cloudformation.json`
from the resource schemas that cfn-lint ships (FOLDER: its unpacked wheel). Only facts are taken: names, types, what is
required, enumerations, ranges and patterns. No text.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

BOTOCORE, CFN_LINT = "1.44.8", "1.58.0"
DATA = Path(__file__).parent.parent.parent / "anywhere" / "taskdef" / "shapes" / "data"
OPERATIONS = {
    "task-definition": "RegisterTaskDefinition",
    "service": "CreateService",
    "service-update": "UpdateService",
    "task-set": "CreateTaskSet",
    "run": "RunTask",
    "start": "StartTask",
}
RESOURCES = {
    "task-definition": "AWS::ECS::TaskDefinition",
    "service": "AWS::ECS::Service",
    "task-set": "AWS::ECS::TaskSet",
}
SCALARS = {"string", "integer", "long", "double", "float", "boolean"}
LIMITS = {"enum": "enum", "min": "min", "max": "max", "pattern": "pattern"}
# JSON schema's words for the same.
SCHEMA_LIMITS = {
    "enum": "enum",
    "minimum": "min",
    "maximum": "max",
    "minLength": "min",
    "maxLength": "max",
    "minItems": "min",
    "maxItems": "max",
    "pattern": "pattern",
}
SCHEMA_TYPES = {"number": "double", "string": "string", "integer": "integer", "boolean": "boolean"}


def api() -> dict[str, Any]:
    """The table of the API."""
    import botocore
    import botocore.loaders

    if botocore.__version__ != BOTOCORE:
        sys.exit(f"botocore {BOTOCORE} is pinned, {botocore.__version__} is installed")
    model = botocore.loaders.Loader().load_service_model("ecs", "service-2")
    roots = {kind: model["operations"][name]["input"]["shape"] for kind, name in OPERATIONS.items()}
    shapes: dict[str, Any] = {}
    for root in roots.values():
        _api_shape(root, model["shapes"], shapes)
    version = model["metadata"]["apiVersion"]
    return {"source": f"botocore {BOTOCORE}, ecs {version}", "roots": roots, "shapes": dict(sorted(shapes.items()))}


def _api_shape(name: str, model: Mapping[str, Any], shapes: dict[str, Any]) -> str:
    """The table's name of a shape, which is made with all below it: a scalar without limits has its type's name."""
    shape = model[name]
    kind = shape["type"]
    limits = {ours: shape[key] for key, ours in LIMITS.items() if key in shape}
    if kind in SCALARS and not limits:
        return str(kind)
    if name in shapes:
        return name
    row: dict[str, Any] = {}
    shapes[name] = row
    if shape.get("document"):
        row["is"] = "document"
    elif kind == "structure":
        row["fields"] = {key: _api_shape(item["shape"], model, shapes) for key, item in shape["members"].items()}
        row |= {"required": shape["required"]} if shape.get("required") else {}
        row |= {"one": True} if shape.get("union") else {}
    elif kind == "list":
        row["list"] = _api_shape(shape["member"]["shape"], model, shapes)
    elif kind == "map":
        row["map"] = _api_shape(shape["value"]["shape"], model, shapes)
    else:
        row["is"] = kind
    row |= limits
    return name


def cloudformation(folder: Path) -> dict[str, Any]:
    """The table of the resources. `folder` holds the unpacked wheel of cfn-lint."""
    if not (folder / f"cfn_lint-{CFN_LINT}.dist-info").is_dir():
        sys.exit(f"{folder} does not hold cfn-lint {CFN_LINT}")
    schemas = folder / "cfnlint" / "data" / "schemas"
    region = json.loads((schemas / "providers" / "us-east-1.json").read_text())
    shapes: dict[str, Any] = {}
    roots = {}
    for kind, resource in RESOURCES.items():
        schema = json.loads((schemas / "resources" / f"{region[resource]}.json").read_text())
        prefix = resource.rpartition("::")[2]
        read_only = {path.rpartition("/")[2] for path in schema.get("readOnlyProperties", ())}
        body = schema | {"properties": {k: v for k, v in schema["properties"].items() if k not in read_only}}
        roots[kind] = _schema_shape(prefix, body, prefix, schema.get("definitions", {}), shapes)
    source = f"cfn-lint {CFN_LINT}, us-east-1"
    return {"source": source, "roots": roots, "shapes": dict(sorted(shapes.items()))}


def _schema_shape(
    name: str, schema: Mapping[str, Any], prefix: str, definitions: Mapping[str, Any], shapes: dict[str, Any]
) -> str:
    if "$ref" in schema:
        target = schema["$ref"].rpartition("/")[2]
        return _schema_shape(f"{prefix}.{target}", definitions[target], prefix, definitions, shapes)
    kind = schema.get("type", "object")
    limits = {ours: schema[key] for key, ours in SCHEMA_LIMITS.items() if key in schema}
    if isinstance(kind, list):
        return "document"
    if kind in SCHEMA_TYPES and not limits:
        return SCHEMA_TYPES[kind]
    if name in shapes:
        return name
    row: dict[str, Any] = {}
    shapes[name] = row

    def below(key: str, item: Mapping[str, Any]) -> str:
        return _schema_shape(f"{name}.{key}", item, prefix, definitions, shapes)

    if "properties" in schema:
        row["fields"] = {key: below(key, item) for key, item in sorted(schema["properties"].items())}
        row |= {"required": schema["required"]} if schema.get("required") else {}
    elif kind == "array":
        row["list"] = below("item", schema["items"])
    elif kind == "object":
        values = list(schema.get("patternProperties", {}).values())
        row["map"] = below("value", values[0]) if values else "string"
    else:
        row["is"] = SCHEMA_TYPES[kind]
    row |= limits
    return name


def _tables(folder: Path | None) -> Iterator[tuple[Path, str]]:
    yield DATA / "api.json", _text(api())
    if folder is not None:
        yield DATA / "cloudformation.json", _text(cloudformation(folder))


def _text(table: Mapping[str, Any]) -> str:
    """One line a shape, so that a change shows."""
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in table["shapes"].items())
    source, roots = json.dumps(table["source"]), json.dumps(table["roots"])
    return f'{{\n "source": {source},\n "roots": {roots},\n "shapes": {{\n{rows}\n }}\n}}\n'


def main() -> int:
    """Write the tables; with --check only say which are stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cloudformation", type=Path)
    parser.add_argument("--check", action="store_true")
    words = parser.parse_args()
    stale = [(path, text) for path, text in _tables(words.cloudformation) if _now(path) != text]
    for path, text in stale:
        print(f"{path.name} {'is stale' if words.check else 'is written'}")
        if not words.check:
            path.write_text(text)
    return 1 if stale and words.check else 0


def _now(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
