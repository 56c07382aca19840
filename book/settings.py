"""The settings of the book that more than one tool needs.

They stand in `_config.yml`, the version in `pyproject.toml`.
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE_OWNER = "OWNER"


@dataclass(frozen=True)
class Settings:
    """Where the repository lives, its last release, and the TeX shorthands of the book."""

    title: str
    repository: str
    branch: str
    release: str
    binderhub: str
    colab: str
    macros: dict[str, str]
    baseurl: str = ""

    @property
    def is_unset(self) -> bool:
        """Whether the owner has not yet set the address of the repository."""
        return f"/{EXAMPLE_OWNER}/" in self.repository + "/"

    @property
    def slug(self) -> str:
        """The `owner/name` part of the repository address."""
        return "/".join(self.repository.rstrip("/").split("/")[-2:])

    @property
    def site(self) -> str:
        """Address of the published pages, with a slash at its end; empty until there is one.

        What `html.baseurl` says, else where GitHub publishes the pages of the repository.
        """
        if self.baseurl or self.is_unset or "//github.com/" not in self.repository:
            return self.baseurl and self.baseurl.rstrip("/") + "/"
        owner, name = self.slug.split("/")
        return f"https://{owner.lower()}.github.io/{name}/"

    def colab_url(self, path: str) -> str:
        """Address that opens the notebook at `path` (from the repository root) in Colab.

        The notebook of the release, since that is the package which its set-up cell installs.
        """
        return f"{self.colab}/github/{self.slug}/blob/{self.release}/{path}"

    def binder_url(self, path: str) -> str:
        """Address that opens the notebook at `path` (from the repository root) on Binder."""
        return f"{self.binderhub}/v2/gh/{self.slug}/{self.branch}?urlpath=lab/tree/{path}"

    def source_url(self, path: str) -> str:
        """Address of the file at `path` in the repository."""
        return f"{self.repository}/blob/{self.branch}/{path}"

    def raw_url(self, path: str) -> str:
        """Address of the bytes of the file at `path`, for pictures in notebooks."""
        return f"{self.repository}/raw/{self.branch}/{path}"


def load(root: Path = ROOT) -> Settings:
    """Read the settings of the book whose `_config.yml` lies in `root`."""
    config, package = (
        (root / name).read_text(encoding="utf-8") for name in ("_config.yml", "pyproject.toml")
    )
    return _parse(config, package)


@functools.lru_cache(maxsize=8)  # a build asks for them on every page
def _parse(config_text: str, package_text: str) -> Settings:
    config = yaml.safe_load(config_text)
    package = tomllib.loads(package_text)["project"]
    return Settings(
        title=config["title"],
        repository=config["repository"]["url"].rstrip("/"),
        branch=config["repository"]["branch"],
        release=f"v{package['version']}",  # the tag that a release is given
        binderhub=config["launch_buttons"]["binderhub_url"],
        colab=config["launch_buttons"]["colab_url"],
        macros=config["sphinx"]["config"]["dsf_math_macros"],
        baseurl=config["html"].get("baseurl", ""),
    )
