"""What pip takes for setuptools while common.sh downloads a pinned source distribution.

pip asks even a download for its metadata. The real answer would run the package's own code and fetch
build tools that nobody pinned; this one says only what was asked for: $PINNED, "name==version".
"""
import os
import sys

__legacy__ = sys.modules[__name__]  # what packages without pyproject.toml are asked by


def get_requires_for_build_wheel(config_settings=None):
    return []


def prepare_metadata_for_build_wheel(folder, config_settings=None):
    name, version = os.environ["PINNED"].split("==")
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    os.mkdir(os.path.join(folder, info))
    with open(os.path.join(folder, info, "METADATA"), "w", encoding="utf-8") as file:
        file.write(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return info
