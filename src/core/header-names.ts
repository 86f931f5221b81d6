/** Names of HTTP headers, and which of them a lane file may not touch. */

/** A token (RFC 9110, section 5.6.2): header names, methods, and the keys of baggage members (W3C Baggage, section 3.3.1). */
export const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/;

/** RFC 7239, and what came before it. */
const FORWARDED = "(?:x-)?forwarded(?:-.*)?";

/** Framing, addresses, tracing and our own marks: set by the router or by the platform alone. Lower case. */
const OWNED = new RegExp(
  `^(?:host|content-length|connection|keep-alive|te|trailer|transfer-encoding|upgrade|proxy-.*|${FORWARDED}|baggage|traceparent|tracestate|cf-.*|x-lane.*)$`,
);

/**
 * By these a proxy tells an origin who asks from where, and for which host, scheme and URL before they were changed. Frameworks believe them at
 * once, or where they are told that a proxy stands before them. Some are ours to say, so that a stranger's word in the others would be believed
 * beside it. Names by which a site's own gateway says who the user is (`X-Remote-User`) are none of them. Lower case.
 */
const FORWARDING_NAMES = [
  FORWARDED,
  "x-real-ip", // nginx, Traefik; Go's chi and Echo
  "x-original-.*", // Envoy, nginx, IIS; Symfony and Laminas
  "x-rewrite-ur[il]", // IIS
  // Rails and CodeIgniter, then Akamai and Cloudflare, Fastly, Rackspace, Azure; WebLogic's plug-in. Read by npm's request-ip and the like.
  "(?:(?:x|true|fastly|x-cluster|x-azure|proxy)-)?client-?ip",
  "wl-proxy-.*",
  "x-azure-socketip",
  "x-appengine-user-ip",
  "http-(?:client-ip|x-forwarded-for)", // much-copied Java asks for headers of these names
  "(?:x-)?remote-(?:addr|host|ip|port)", // the peer, as CGI calls it (RFC 3875, sections 4.1.8 and 4.1.9)
  "x-envoy-(?:external-address|internal|ip-tags|original-.*)", // Envoy cleans a request of them at its own edge
  "x-(?:http-)?host(?:-override)?",
  "x-(?:url-)?scheme", // ingress-nginx; WSGI
  "front-end-https", // Microsoft's proxies; Ktor
  "x-script-name", // WSGI: before the path
].join("|");
const FORWARDING = new RegExp(`^(?:${FORWARDING_NAMES})$`);

/** Is it a word about addresses, in any spelling? Lower case. */
export const isForwarding = (name: string): boolean => FORWARDING.test(folded(name));

/** A word about addresses that Cloudflare itself says where a zone is set so: what CF-Connecting-IP says, under the name that Akamai has for it. */
export const PLATFORM_ADDRESS = "true-client-ip";

/** They end at each hop (RFC 9110, section 7.6.1). Lower case. */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "proxy-connection",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "proxy-authorization",
  "proxy-authenticate",
]);

/** One member of baggage a header, as Jaeger, OpenTracing and Spring Cloud Sleuth write them. */
const MEMBERS = "(?:uberctx|ot-baggage|baggage)-";
const BAGGAGE_MEMBER = new RegExp(`^${MEMBERS}`);

/**
 * A header or member of ours begins so: contexts, marks, hops, which version of a Worker answers (contract section 4), and our baggage
 * member as others write one, which OpenTelemetry's readers of those put in the place of the true one.
 */
const OUR_BEGINNINGS = `x-lane|cloudflare-workers-version-|${MEMBERS}laneway-`;
const OURS = new RegExp(`^(?:${OUR_BEGINNINGS})`);

/** As an origin behind CGI reads a name: `x_lane_mirror`, and in some `x.lane.mirror` too, is `x-lane-mirror`. Lower case. */
export const folded = (name: string): string => (/[^a-z0-9-]/.test(name) ? name.replaceAll(/[^a-z0-9-]/g, "-") : name);

const NEITHER = new RegExp(`^(?!${OUR_BEGINNINGS}|(?:${FORWARDING_NAMES})$)[a-z0-9-]+$`);

/** Jaeger's readers put their list over the first. In any spelling; lower case. */
export const isBaggageList = (name: string): boolean => /^(?:jaeger-)?baggage$/.test(folded(name));

/** Is it baggage in any form that some reader knows, a list or one member? Lower case. */
const isBaggage = (name: string): boolean => isBaggageList(name) || BAGGAGE_MEMBER.test(folded(name));

/** Most names, told at one look: neither ours nor a word about addresses, and folded as they are. Lower case. */
export const isNeither = (name: string): boolean => NEITHER.test(name);

/** Is this header ours, in any spelling that an origin may fold into ours? Lower case. */
export const isOwnHeader = (name: string): boolean => OURS.test(folded(name));

/** Does the router or the platform alone set it? `plain` is folded. */
export const isOwned = (plain: string): boolean => OWNED.test(plain);

/** May a lane file set this header on what goes to an origin, or on a stub's answer? */
export function maySet(name: string): boolean {
  return !isOwned(name.toLowerCase());
}

/** May a lane file set or remove it on an origin's answers? What says how the body is to be read, or opens a WebSocket, is the origin's; cookies are many. */
export function maySetOnAnswers(name: string): boolean {
  return maySet(name) && !/^(?:set-cookie2?|content-encoding|content-range|sec-websocket-.*)$/i.test(name);
}

/** By these a client asks an origin to take a request for one of another method; origins do so under any folded spelling. */
const OVERRIDES = /^(?:x-)?(?:http-)?(?:method|verb)-override$|^x-http-(?:method|verb)$/;

/** Does this header, or this key of a query or form (`_method`, as Rack, Symfony and Laravel have it), override the method? Any case. */
export const overridesMethod = (name: string): boolean => {
  if (!/method|verb/i.test(name)) return false;
  const plain = folded(name.toLowerCase());
  return plain === "-method" || OVERRIDES.test(plain);
};

/** May a baggage member become this header? Anybody can send baggage, so it must not carry an identity or a method either (contract section 5). */
export function mayPropagate(name: string): boolean {
  const plain = folded(name.toLowerCase());
  return (
    maySet(plain) &&
    !isBaggage(plain) &&
    !isOwnHeader(plain) &&
    !isForwarding(plain) &&
    !overridesMethod(plain) &&
    !/^(cookie|authorization)$/.test(plain)
  );
}

/** Does every header that begins so belong to the router or the platform, or is it one that nobody may set? */
export function mayPropagatePrefix(prefix: string): boolean {
  return mayPropagate(prefix) && mayPropagate(`${prefix}x`);
}
