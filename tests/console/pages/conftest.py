from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.console.office import Office
from tests.console.pages.mailing import Post


@pytest.fixture
async def post(served: Office) -> AsyncIterator[Post]:
    async with Post.of(served) as post:
        yield post
