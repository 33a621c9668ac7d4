"""One option for all tests: how large the counts are."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--scale",
        choices=("test", "soak"),
        default="test",
        help="test: each fault once or twice, tens of bundles; soak: the full counts",
    )


@pytest.fixture(scope="session")
def scale(request: pytest.FixtureRequest) -> str:
    """Return "test" or "soak": a test takes its counts from it."""
    return str(request.config.getoption("--scale"))
