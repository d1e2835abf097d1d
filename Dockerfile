# syntax=docker/dockerfile:1
# The image contains Node, the libraries that it is linked with and the bundle: no shell, no package manager. Its files are
# written by scripts/image-root.ts, which tests run without a container engine.

FROM node:26.10.0-trixie-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
# The only install script that matters would fetch a second Node.
RUN npm ci --ignore-scripts
COPY . .
RUN node --disable-warning=ExperimentalWarning scripts/image-root.ts /image-root

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="Firesteel" \
      org.opencontainers.image.description="Push-mode observability agent for Kubernetes: node, container, process and cluster-state metrics in one process" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/firesteel/firesteel" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /image-root/ /
# Filled while the image is built, for exactly these options of Node; found by relative paths, and never written to.
# One malloc arena for all threads, including V8's, which start before the agent can ask for it: 2 MiB less.
ENV PATH=/usr/bin MALLOC_ARENA_MAX=1 NODE_COMPILE_CACHE=/opt/firesteel/cache NODE_COMPILE_CACHE_PORTABLE=1
USER 65534:65534
WORKDIR /
EXPOSE 9750
# docs/performance-laboratory.md has the savings of a small young generation; the chart's nodeOptions replace these options.
ENTRYPOINT ["/usr/bin/node", "--disable-warning=ExperimentalWarning", "--max-semi-space-size=1", "/opt/firesteel/firesteel.mjs"]
CMD ["run"]
