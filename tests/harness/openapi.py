"""An OpenAPI or AsyncAPI document as a test reads it.

    document = Document(REPOSITORY / "deploy/api/gate.openapi.yaml")
    document["paths"]; document.resolve({"$ref": "#/components/..."}); document.check()
"""
import jsonschema
import yaml


class Document:
    def __init__(self, file):
        self.tree = yaml.safe_load(file.read_text())

    def __getitem__(self, name):
        return self.tree[name]

    def resolve(self, node):
        """What a reference leads to; anything else is itself."""
        while isinstance(node, dict) and "$ref" in node:
            target = self.tree
            for name in node["$ref"].removeprefix("#/").split("/"):
                target = target[name]
            node = target
        return node

    def check(self):
        """Every reference leads somewhere, and every schema is one."""
        def walk(node):
            if isinstance(node, dict):
                if "$ref" in node:
                    assert self.resolve(node) is not None
                for value in node.values():
                    walk(value)
            elif isinstance(node, list):
                for value in node:
                    walk(value)
        walk(self.tree)
        for schema in self.tree["components"]["schemas"].values():
            jsonschema.Draft202012Validator.check_schema(schema)
