// A service without OpenTelemetry. It passes one header on, as many do with a request id.
const { createServer } = require("node:http");

const { app, version, upstream_url } = process.env;

const server = createServer(async (request, response) => {
  const next = await fetch(upstream_url, { headers: { "x-lane-context": request.headers["x-lane-context"] ?? "" } });
  response.end(`-> ${app}(version: ${version}, ip: 127.0.0.1)${await next.text()}`);
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
