# One image for every process: services, sandbox and command. Plain Dockerfile syntax, so that builders without BuildKit
# read it too. A mirror of the npm registry: --build-arg NPM_CONFIG_REGISTRY=https://…

# The files that decide what is installed, and nothing else: changes of the code do not install again.
FROM node:24-bookworm-slim AS manifests
WORKDIR /app
COPY . .
RUN find . -type f ! -name package.json ! -name package-lock.json ! -name .npmrc -delete \
 && find . -type d -empty -delete

FROM node:24-bookworm-slim AS packages
WORKDIR /app
ARG NPM_CONFIG_REGISTRY
COPY --from=manifests /app ./
# No package needs its scripts at run time. The sandbox's chain program comes as an optional dependency (linux, amd64).
RUN npm ci --omit=dev --ignore-scripts --loglevel=error && npm cache clean --force --loglevel=error

FROM node:24-bookworm-slim
ENV NODE_ENV=production NODE_COMPILE_CACHE=/tmp/node-compile HEALTH_HOST=0.0.0.0 HEALTH_PORT=8080
WORKDIR /app
COPY --from=packages /app ./
COPY libs ./libs
COPY services ./services
COPY sandbox ./sandbox
COPY cli ./cli
COPY deploy/healthcheck.mjs ./deploy/
# State of the sandbox; a volume mounted here starts with this owner.
RUN mkdir /data && chown node:node /data
USER node
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["node", "deploy/healthcheck.mjs"]
ENTRYPOINT ["node"]
CMD ["cli/src/main.ts", "--help"]
