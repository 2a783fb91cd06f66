FROM node:24-slim

ENV NODE_ENV=production
WORKDIR /app

# The image brings Node 24 itself, so the pinned one's install script is not run.
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force

COPY core ./core
COPY plugins ./plugins
COPY graphql ./graphql
COPY gateway ./gateway
COPY cli ./cli
COPY console ./console
# For the demonstration and for docker-compose.yml.
COPY simulator ./simulator

USER node

# Clients; ops.
EXPOSE 8080 9090

HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9090/health/live').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]

# Mount a config there: docker/dispatcher.yaml is one.
CMD ["node", "gateway/main.ts", "--config", "/etc/webdispatcher/dispatcher.yaml"]
