"""Put models/ and config/ into the wheel as package data of `assistant`; everything else is in pyproject.toml.

The user's layout keeps both folders at the top level, beside the code. Only `package_dir` can carry a folder from
outside a package into it, and it is set here because a folder mapped in pyproject.toml cannot be listed beside
found packages.
"""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["assistant", "assistant.*", "training", "training.*"]),
        "assistant.models",
        "assistant.config",
    ],
    package_dir={"assistant.models": "models", "assistant.config": "config"},
    package_data={
        "assistant": ["py.typed"],
        "assistant.web": ["style.css", "templates/*.html"],
        "assistant.models": ["*/*"],
        "assistant.config": ["*.toml", "*/*.toml", "system/*"],
    },
    exclude_package_data={"": ["*.pyc", "__pycache__/*"]},
)
