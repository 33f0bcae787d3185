# The command althing, alone, for a user without rights: docker build -t althing:latest .
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /out/althing ./cmd/althing && mkdir /out/data

FROM scratch
COPY --from=build /out/althing /althing
# Owned by who runs it, so that a new volume mounted here is, too.
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
VOLUME /data
EXPOSE 2379 2380 2381
ENTRYPOINT ["/althing"]
CMD ["--help"]
