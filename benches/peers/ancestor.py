"""The two ways in which the Python program before this one embedded, and openai-python as it comes, against the server of
`examples/slow_embeddings.rs`, which needs 200 ms a request.

    python3 -m venv peers && peers/bin/pip install openai
    cargo run --release --example slow_embeddings -- serve                  # says its address; with 500 1000000: a quota
    peers/bin/python benches/peers/ancestor.py ADDRESS one-by-one           # a text a request, a pause after each
    peers/bin/python benches/peers/ancestor.py ADDRESS ten-at-once          # a text a request, ten requests at once
    peers/bin/python benches/peers/ancestor.py ADDRESS defaults -n 30000    # 2,048 texts a request, the client's own retries

The first two take minutes for 10,000 texts, so a few hundred are embedded and the time is extrapolated, which the line
says: each text costs the same. `defaults` embeds all of them, five requests at once, and says how many are lost. Nothing of this is
needed to build or run the program.
"""

import argparse
import asyncio
import time

from openai import AsyncOpenAI, OpenAI, RateLimitError

MODEL, KEY = "slow", "none"


def one_by_one(address, texts, pause):
    """As its first service: one text a request, one request after the other, a pause after each."""
    client = OpenAI(base_url=address, api_key=KEY)
    for text in texts:
        client.embeddings.create(model=MODEL, input=text)
        time.sleep(pause)


async def ten_at_once(address, texts, at_once):
    """As its second service: one text a request, so many requests under way."""
    client, room = AsyncOpenAI(base_url=address, api_key=KEY), asyncio.Semaphore(at_once)

    async def embed(text):
        async with room:
            await client.embeddings.create(model=MODEL, input=text)

    await asyncio.gather(*(embed(text) for text in texts))


async def defaults(address, texts, inputs=2_048, at_once=5):
    """The client with nothing set: as many texts a request as it may hold. Returns how many got no vector."""
    client, room = AsyncOpenAI(base_url=address, api_key=KEY), asyncio.Semaphore(at_once)

    async def embed(batch):
        async with room:
            try:
                await client.embeddings.create(model=MODEL, input=batch)
                return 0
            except RateLimitError:
                return len(batch)

    batches = [texts[at : at + inputs] for at in range(0, len(texts), inputs)]
    return sum(await asyncio.gather(*map(embed, batches)))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("address")
    arguments.add_argument("way", choices=["one-by-one", "ten-at-once", "defaults"])
    arguments.add_argument("-n", type=int, default=10_000, help="texts")
    arguments.add_argument("--pause", type=float, default=0.1, help="seconds after each request of one-by-one")
    arguments.add_argument("--at-once", type=int, default=10, help="requests of ten-at-once")
    given = arguments.parse_args()
    texts = [f"{number:04}" + " word" * 59 for number in range(given.n)]
    sample = texts if given.way == "defaults" else texts[: 50 if given.way == "one-by-one" else 500]
    lost, begun = 0, time.perf_counter()
    if given.way == "one-by-one":
        one_by_one(given.address, sample, given.pause)
    elif given.way == "ten-at-once":
        asyncio.run(ten_at_once(given.address, sample, given.at_once))
    else:
        lost = asyncio.run(defaults(given.address, sample))
    took = time.perf_counter() - begun
    if len(sample) == len(texts):
        print(f"{given.way}: {len(texts)} texts in {took:.2f} s, {lost} of them without a vector")
    else:
        whole = took * len(texts) / len(sample)
        print(f"{given.way}: {len(sample)} texts in {took:.2f} s, so {len(texts)} in {whole:.0f} s (extrapolated)")


if __name__ == "__main__":
    main()
