// An ordinary service: it says who it is and calls the next. Whatever else happens around it, OpenTelemetry does.
const { createServer } = require("node:http");

const { app, version, upstream_url, upstream_method } = process.env;

const server = createServer(async (_request, response) => {
  const next = upstream_url === undefined ? "" : await (await fetch(upstream_url, { method: upstream_method })).text();
  response.end(`-> ${app}(version: ${version}, ip: 127.0.0.1)${next}`);
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
