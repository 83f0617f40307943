"""Which models a command would use, said before it does; never the key."""

import os

from actors.minilm import MiniLM
from cluster.session import LOCAL, address_of
from configs.settings import Settings
from pipeline.errors import ModelError, SettingsError


def models_used(settings: Settings) -> str:
    """Which models the settings name, in one line.

    Raises:
        SettingsError: the endpoint can't be asked: no key, a model whose price or width is not known.
    """
    config = settings.models
    if not config.is_remote():
        return f"embedded ({MiniLM().info.model}; words from templates)"
    from actors.remote.endpoint import OWN_URL, read_key
    from actors.remote.prices import prices_of

    try:
        if address_of(settings.cluster) == LOCAL:  # on a cluster, its nodes have the key
            read_key(config, os.environ)
    except ModelError as error:
        raise SettingsError(f"models.source is {str(config.source)!r}, and {error.detail}") from None
    free = [price.model for price in prices_of(config) if price.source == "unknown"]
    said = f"openai at {config.base_url or OWN_URL} ({config.embedding_info.model}, {config.chat_model})"
    return said + (f"; no price is known of {' and '.join(free)}: counted as free" if free else "")
