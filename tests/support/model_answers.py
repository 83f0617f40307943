"""What a well-behaved chat model says."""

from typing import Any


def answer_well(body: dict[str, Any]) -> Any:
    """The least that fits the schema of a request: empty lists, empty texts, zeros."""
    schema = body["response_format"]["json_schema"]["schema"]
    return least(schema, schema)


def least(schema: dict[str, Any], root: dict[str, Any]) -> Any:
    """The least value of a JSON schema."""
    if "$ref" in schema:
        return least(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        return {name: least(part, root) for name, part in schema.get("properties", {}).items()}
    return {"array": [], "string": "", "boolean": False}.get(schema.get("type", ""), schema.get("minimum", 0))
