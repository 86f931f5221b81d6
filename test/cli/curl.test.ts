import { describe, expect, it } from "vitest";
import { CURL_ADDS, curlRequest } from "../../src/cli/curl.ts";
import { cmdWords, isCmd, quoted, shellWords } from "../../src/cli/shell-words.ts";

const words = (text: string) => {
  const cut = shellWords(text);
  if (!cut.ok) throw new Error(cut.error);
  return cut.value;
};

/** The request of a pasted command, less what curl adds by itself. */
const request = (command: string) => {
  const read = curlRequest(words(command).slice(1), {});
  if (!read.ok) throw new Error(read.error);
  return read.value;
};

const wrong = (command: string) => {
  const read = curlRequest(words(command).slice(1), {});
  return read.ok ? null : read.error;
};

describe("a shell's words", () => {
  it.each([
    ["a  b\tc", ["a", "b", "c"]],
    [`'a b' "c d" e\\ f`, ["a b", "c d", "e f"]],
    [`a'b'"c"d`, ["abcd"]],
    [`'' ""`, ["", ""]],
    [`"a \\"b\\" \\\\ \\n $x"`, ['a "b" \\ \\n $x']],
    ["'it'\\''s'", ["it's"]],
    ["a \\\n  b \\\r\n c", ["a", "b", "c"]],
    [`"a\\\nb"`, ["ab"]],
    [`$'a\\'b\\n\\u00e9\\x41\\041'`, ["a'b\n\u00e9A!"]],
    [`$'\\U0001F600'`, ["\u{1f600}"]],
    ["price$5", ["price$5"]],
    ["", []],
  ])("are cut from %j", (text, expected) => {
    expect(words(text)).toEqual(expected);
  });

  it("name the quote that is never closed", () => {
    expect(shellWords("curl 'a b")).toEqual({ ok: false, error: "the quote at character 6 is never closed" });
    expect(shellWords('a "b\\"')).toEqual({ ok: false, error: "the quote at character 3 is never closed" });
  });

  it("come back from quoting, whatever is in them", () => {
    const given = ["it's", 'a "b"', "$x `y` \\", "", "two\nlines", "é"];
    expect(words(given.map(quoted).join(" "))).toEqual(given);
  });
});

/** As Chrome's "Copy as cURL (cmd)" quotes. */
const chromeQuoted = (text: string): string =>
  `^"${text
    .replace(/\\/g, "\\\\")
    .replace(/"/g, '\\"')
    .replace(/[^a-zA-Z0-9\s_\-:=+~'/.',?;()*`]/g, "^$&")
    .replace(/%(?=[a-zA-Z0-9_])/g, "%^")
    .replace(/\r?\n/g, "^\n\n")}^"`;

/** As Firefox's "Copy as cURL (Windows)" quotes. */
const firefoxQuoted = (text: string): string =>
  `"${text.replaceAll("\\", "\\\\").replaceAll('"', '""').replaceAll("%", '"%"').replace(/\r?\n/g, '"^\r\n\r\n"')}"`;

describe("fault D9: a command copied on Windows", () => {
  const texts = [
    "https://shop.example.com/a?b=1&c=%20d",
    'sec-ch-ua: "Chromium";v="148", "Not/A)Brand"',
    "a\\b",
    "100%",
    "two\nlines",
    "{|}<>!^",
    "it's",
    "",
  ];

  it.each([
    ["Chrome's", chromeQuoted, " ^\n  "],
    ["Chrome's, saved with Windows' line ends,", chromeQuoted, " ^\r\n  "],
    ["Firefox's", firefoxQuoted, " ^\r\n  "],
  ] as const)("is %s words, whatever is in them", (_, quote, join) => {
    const command = ["curl", ...texts.map(quote)].join(join);
    expect(isCmd(command)).toBe(true);
    expect(cmdWords(command)).toEqual({ ok: true, value: ["curl", ...texts] });
  });

  it("is told from one of bash, and on one line from its escapes", () => {
    expect(isCmd('curl.exe ^"https://shop.example.com/^"')).toBe(true);
    expect(isCmd('curl "https://shop.example.com/" -H "a: ^\\^"b^\\^""')).toBe(true);
    for (const text of ["curl 'https://a.example/' \\\n -H 'a: b'", `curl https://a.example -d '{"a":"^"}'`, "curl https://a.example/^x"])
      expect(isCmd(text)).toBe(false);
  });

  it("names the quote that is never closed", () => {
    expect(cmdWords('curl ^"https://a.example')).toEqual({ ok: false, error: 'a quote is never closed: "https://a.example' });
  });
});

describe("a curl command", () => {
  it("is the request that a browser copies", () => {
    const copied = `curl 'https://shop.example.com/cart?x=1' \\
      -H 'accept: application/json' \\
      -H 'baggage: pr=142,user=a%20b' \\
      -b 'plan=pro; staff=1' \\
      -H $'x-note: it\\'s' \\
      --data-raw '{"id":1}' --compressed --insecure`;
    expect(request(copied)).toEqual({
      method: "POST",
      url: "https://shop.example.com/cart?x=1",
      headers: {
        accept: "application/json",
        baggage: "pr=142,user=a%20b",
        "x-note": "it's",
        cookie: "plan=pro; staff=1",
        "content-type": "application/x-www-form-urlencoded",
        "accept-encoding": "deflate, gzip, br, zstd",
      },
      notes: [],
    });
  });

  it.each([
    ["curl example.com", "GET", "http://example.com/"],
    ["curl -I https://a.example/", "HEAD", "https://a.example/"],
    ["curl -XPUT https://a.example/", "PUT", "https://a.example/"],
    ["curl -sSLXDELETE https://a.example/", "DELETE", "https://a.example/"],
    ["curl -d a=1 https://a.example/", "POST", "https://a.example/"],
    ["curl -da=1 https://a.example/", "POST", "https://a.example/"],
    ["curl --json '{}' https://a.example/", "POST", "https://a.example/"],
    ["curl -F file=@x https://a.example/", "POST", "https://a.example/"],
    ["curl -T x https://a.example/", "PUT", "https://a.example/"],
    ["curl -X PATCH -d a https://a.example/", "PATCH", "https://a.example/"],
    ["curl -G -d a=1 -d b=2 https://a.example/?c=3", "GET", "https://a.example/?c=3&a=1&b=2"],
    ["curl -G --data-urlencode 'q=a b&c' https://a.example/", "GET", "https://a.example/?q=a%20b%26c"],
    ["curl --get --data-urlencode '=a b' --url-query z=1 https://a.example/", "GET", "https://a.example/?z=1&a%20b"],
    ["curl --url https://a.example/x", "GET", "https://a.example/x"],
    ["curl -o out.txt -m 5 -w '%{http_code}' --retry 3 -x http://proxy https://a.example/", "GET", "https://a.example/"],
    ["curl https://a.example/#top", "GET", "https://a.example/"],
    ["curl -k -v 'https://a.example/a b'", "GET", "https://a.example/a%20b"],
  ])("%s has method %s and URL %s", (command, method, url) => {
    expect(request(command)).toMatchObject({ method, url });
  });

  it.each([
    ["-H 'X-A: 1' -H 'x-a: 2'", { "x-a": "1, 2" }],
    ["-H 'X-Empty;'", { "x-empty": "" }],
    ["-A me -e https://r.example/", { "user-agent": "me", referer: "https://r.example/" }],
    ["-b a=1 -b b=2", { cookie: "a=1; b=2" }],
    ["-u user:pass", { authorization: "Basic dXNlcjpwYXNz" }],
    ["-r 0-99", { range: "bytes=0-99" }],
    ["-H 'content-type: text/plain' -d x", { "content-type": "text/plain" }],
    ["-G -d x", {}],
  ])("with %s has the headers %j", (options, headers) => {
    expect(request(`curl ${options} https://a.example/`).headers).toEqual(headers);
  });

  it("goes to the host that its Host header names, as the Worker sees it", () => {
    const { url, headers } = request("curl http://127.0.0.1:8787/a -H 'Host: mock.localhost'");
    expect([url, headers]).toEqual(["http://mock.localhost/a", {}]);
    expect(request("curl http://127.0.0.1:8787/ -H 'host: mock.localhost:9000'").url).toBe("http://mock.localhost:9000/");
  });

  it("has curl's own headers unless -H takes them out", () => {
    const of = (text: string) => curlRequest(words(text), CURL_ADDS);
    expect(of("https://a.example/")).toMatchObject({ value: { headers: { "user-agent": "curl/8", accept: "*/*" } } });
    expect(of("https://a.example/ -H 'Accept:' -H 'user-agent: x'")).toMatchObject({ value: { headers: { "user-agent": "x" } } });
    expect(of("https://a.example/ -H 'Accept:'")).not.toMatchObject({ value: { headers: { accept: expect.anything() } } });
  });

  it("says which files it does not read", () => {
    expect(request("curl -b jar.txt -H @headers.txt https://a.example/").notes).toEqual([
      "The cookies in the file jar.txt are not read.",
      "The headers in the file headers.txt are not read.",
    ]);
  });

  it.each([
    ["curl -s", "it names no URL"],
    ["curl https://a.example/ https://b.example/", "it names 2 URLs; explain them one by one"],
    ["curl https://a.example/ --next https://b.example/", "it makes more than one request; explain them one by one"],
    ["curl https://a.example/ -H", "-H lacks its value"],
    ["curl ftp://a.example/", '"ftp://a.example/" is no URL'],
    ["curl -& https://a.example/", "curl has no option -&"],
    ["curl https://a.example/ -H 'Host: a b'", '"a b" is no host'],
  ])("%s is none: %s", (command, error) => {
    expect(wrong(command)).toBe(error);
  });
});
