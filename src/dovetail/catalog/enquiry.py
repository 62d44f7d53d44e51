"""One question to the hub: answered within a time and a size, by the hub itself, in JSON.

The hub's own client waits for ever and goes wherever it is sent: a hub that is broken or hostile makes use of that.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from dovetail import __version__
from dovetail.catalog.files import parse_value
from dovetail.catalog.invalid import InvalidModelFile
from dovetail.catalog.transfer import DownloadFailed, Unreachable
from dovetail.core.errors import InvalidRequest
from dovetail.core.request import Json

if TYPE_CHECKING:
    import httpx2

ANSWER_WITHIN = 30.0  # seconds for all of an answer
SILENT_FOR = 10.0
MOST_BYTES = 32 << 20  # a repository of ten thousand files takes a tenth
_MOST_HOPS = 3  # a repository that has another name now takes one


def enquire(what: str, url: str, query: Mapping[str, str] | None = None) -> Json:
    """What the hub answers to a GET of `url`; errors call it `what`. Blocks on the network.

    Raises InvalidRequest when it does not exist, Unreachable, DownloadFailed for all else.
    """
    import httpx2
    from huggingface_hub.utils import hf_raise_for_status

    deadline, hub = time.monotonic() + ANSWER_WITHIN, _origin(url)
    with _as_ours(what), httpx2.Client(timeout=SILENT_FOR) as client:
        for _ in range(_MOST_HOPS + 1):
            with client.stream("GET", url, params=query, headers=headers()) as response:
                if not response.is_redirect:
                    data = _bounded(what, response, deadline)
                    whole = httpx2.Response(
                        response.status_code, headers=response.headers, content=data, request=response.request
                    )
                    hf_raise_for_status(whole)
                    return parse_value(data, "its answer")
                url, query = urljoin(url, response.headers.get("location", "")), None
            if _origin(url) != hub:
                raise DownloadFailed(f"the hub redirects to {urlsplit(url).hostname} for {what}, which is not asked")
    raise DownloadFailed(f"the hub redirects more than {_MOST_HOPS} times for {what}")


def headers() -> dict[str, str]:
    """Who asks: huggingface-hub's own headers would first ask the hub for a list of programs to look for here."""
    from huggingface_hub import constants, get_token

    token = None if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else get_token()
    return {
        "accept-encoding": "identity",
        "user-agent": f"dovetail/{__version__}",
        **({"authorization": f"Bearer {token}"} if token else {}),
    }


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _bounded(what: str, response: httpx2.Response, deadline: float) -> bytes:
    data = bytearray()
    for piece in response.iter_raw():
        data += piece
        if len(data) > MOST_BYTES:
            raise DownloadFailed(f"the hub answers more than {MOST_BYTES >> 20} MiB for {what}")
        if time.monotonic() > deadline:
            raise Unreachable(f"the hub takes more than {ANSWER_WITHIN:g} s to answer for {what}")
    return bytes(data)


@contextmanager
def _as_ours(what: str) -> Generator[None]:
    """Turns others' errors into ours."""
    import httpx2
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        yield
    except GatedRepoError as error:
        raise DownloadFailed(f"{what} is gated: accept its licence on the hub and set HF_TOKEN") from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise InvalidRequest(f"{what} is not on the hub, or needs a token (HF_TOKEN)", param="repo_id") from error
    except RevisionNotFoundError as error:
        raise DownloadFailed(f"{what} has changed on the hub: start the download again") from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        kind = Unreachable if status in {408, 429} or status >= 500 else DownloadFailed
        raise kind(f"the hub answers {status} for {what}") from error
    except InvalidModelFile as error:
        raise DownloadFailed(f"{what}: that is no hub, {error.message}") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        raise Unreachable(f"the hub cannot be reached: {error}") from error
