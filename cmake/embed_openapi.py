#!/usr/bin/python3
"""Converts an OpenAPI document in YAML to a C++ source that holds it as JSON.

    embed_openapi.py INPUT.yaml OUTPUT.cc

The source defines `vbs::api::kOpenApiJson`. Refused: keys that stand twice, and YAML that has no
JSON form (dates, non-string keys other than numbers, NaN).
"""
import json
import sys

import yaml

# Adjacent raw literals, so that no single one passes the length that compilers must accept.
CHUNK = 16 * 1024
DELIMITER = "openapi"


class StrictLoader(yaml.SafeLoader):
    """SafeLoader without silent overwriting and without timestamps."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key '{key}' stands twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def load(path):
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader=StrictLoader)


def to_source(document):
    text = json.dumps(document, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    end = f"){DELIMITER}\""
    if end in text:
        raise ValueError(f"the document holds the delimiter {end}")
    chunks = [text[at:at + CHUNK] for at in range(0, len(text), CHUNK)]
    literals = "\n".join(f'    R"{DELIMITER}({chunk}{end}' for chunk in chunks)
    return ("// Made from the OpenAPI document by embed_openapi.py.\n"
            "#include <string_view>\n\n"
            "namespace vbs::api {\n\n"
            "extern const std::string_view kOpenApiJson;\n"
            f"const std::string_view kOpenApiJson =\n{literals};\n\n"
            "}  // namespace vbs::api\n")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        source = to_source(load(sys.argv[1]))
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        sys.exit(f"embed_openapi.py: {sys.argv[1]}: {error}")
    with open(sys.argv[2], "w", encoding="ascii") as file:
        file.write(source)


if __name__ == "__main__":
    main()
