# One image per app: docker build --build-arg APP=gateway -t rovercast/gateway .
# APP is gateway, auth, monitor or device. Needs BuildKit (the default since Docker 23).

# --- install and build -----------------------------------------------------------------------------------------------
FROM node:22.21.1-bookworm-slim AS build
WORKDIR /rovercast
ENV SCARF_ANALYTICS=false
COPY package.json package-lock.json .npmrc ./
# Not the embedded Postgres and not the packaged FFmpeg: a container gets its database by URL and its FFmpeg from Debian.
RUN npm ci --omit=optional
COPY . .
ARG APP
RUN test -d "apps/$APP" || { echo "build with --build-arg APP=gateway|auth|monitor|device"; exit 1; }
RUN npx nest build "$APP" && npm prune --omit=dev --omit=optional

# --- run -------------------------------------------------------------------------------------------------------------
FROM node:22.21.1-bookworm-slim AS run
ARG APP
# The robot's agent runs encoders; the other apps need nothing beside Node.
RUN if [ "$APP" = device ]; then \
      apt-get update \
      && apt-get install -y --no-install-recommends ffmpeg gstreamer1.0-tools gstreamer1.0-plugins-base \
         gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-rtsp \
      && rm -rf /var/lib/apt/lists/*; \
    fi
WORKDIR /rovercast
ENV NODE_ENV=production APP=$APP HOST=0.0.0.0
COPY --from=build /rovercast/node_modules node_modules
COPY --from=build /rovercast/dist dist
COPY --from=build /rovercast/package.json ./
# Nothing is written at run time: runs with a read-only root file system, and without root.
USER node
# With exec, Node itself gets the container's signals.
CMD ["sh", "-c", "exec node dist/apps/$APP/apps/$APP/src/main.js"]
