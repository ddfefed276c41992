# Two images of one program: `bot` has no torch; `gpu` is the model server and the worker.

FROM python:3.11-slim AS bot
WORKDIR /app
COPY requirements/bot.txt requirements/
RUN pip install --no-cache-dir --no-deps -r requirements/bot.txt
COPY . .
RUN pip install --no-cache-dir --no-deps --editable .
RUN useradd --uid 10001 mend && install -d -o mend -g mend /data/adapters /data/home
USER 10001
ENTRYPOINT ["mend"]
CMD ["bot"]

FROM python:3.11-slim AS gpu
# Triton compiles its kernels on the node. Debian drops old versions of a package, so none is pinned.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements/gpu.txt requirements/
RUN pip install --no-cache-dir --no-deps -r requirements/gpu.txt
COPY . .
RUN pip install --no-cache-dir --no-deps --editable .
RUN useradd --uid 10001 --create-home mend && install -d -o mend -g mend /data/adapters /data/runs
USER 10001
ENTRYPOINT ["mend"]
CMD ["serve"]
