# The gateway, for a Postgres elsewhere (DATABASE_URL): the embedded one is left out.

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No scripts: bcrypt comes with its binary, and ours would build before there are sources.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY page page
RUN npm run build && npm prune --omit=dev --omit=optional --ignore-scripts

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./
COPY config config
COPY migrations migrations
RUN chmod +x dist/main.js && ln -s /app/dist/main.js /usr/local/bin/latchkey
# Usage rows until they are in the database.
RUN mkdir -m 0700 /data && chown node:node /data
ENV LATCHKEY_DATA_DIR=/data
VOLUME /data
USER node
# Within a container loopback is of no use to anybody. Publish 8081 with care: it serves metrics and the admin API.
ENV LATCHKEY_ADMIN_HOST=0.0.0.0
EXPOSE 8080 8081
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.LATCHKEY_PORT || 8080}/-/ready`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["latchkey", "start", "--migrate"]
