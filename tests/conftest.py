"""Keep a person's own settings and remembered timings out of the tests, and the tests out of theirs."""

import pytest

import assistant.__main__


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def dumps_as_they_are():
    """Commands called within the tests' own process would bind it for good; `test_privacy` asks real processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assistant.__main__, "forbid_dumps", lambda: None)
        yield
