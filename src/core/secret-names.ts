/**
 * Names under which secrets travel. One list for what a copy may not carry and for what a sample may not show (contract section 7). Names are
 * compared in any letter case and any spelling of their words: `access_token`, `accessToken` and `Access-Token` are one.
 */
import { folded } from "./header-names.ts";

/** Letters and digits only, lower case: what all spellings of a name share. A name without any stays as it is. */
export const plainName = (name: string): string => name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "") || name;

/** What proves who somebody is, or opens something once, in any name that has one of these words: `reset_password_token`. */
const SECRET_WORDS =
  "token password passwd passphrase passcode pwd secret jwt otp totp signature credential assertion csrf xsrf bearer oauth".split(" ");
/** What may hold one; a query uses these words for other things, too (`?session=spring`). */
const HOLDER_WORDS = "auth authorization authentication cookie session sid dpop".split(" ");
const PERSONAL_WORDS = "pin cvv cvc csc card pan iban ssn email mail phone mobile birthday birthdate dob".split(" ");
/** Words that mean a secret only together, or written as one. */
const COMPOUND =
  /(?:api|access|private|secret|encryption|signing|account|subscription|functions)(?:key|number)|password|passwd|token|secret|cookie|sessionid|email|dateofbirth|creditcard/;
const KEY = /(?:api|access|private|secret|subscription|functions)key/;

/**
 * Keys of a query that hold a secret, or work once, beside those with a word of `SECRET_WORDS`: OAuth 2 and OpenID Connect (RFC 6749, section
 * 4.1.2; RFC 7636; RFC 8628), OAuth 1 (RFC 5849), SAML 2 bindings, CAS tickets, links sent by mail (Firebase, WordPress, Discourse, Clerk),
 * session ids in URLs, signed URLs of S3 and CloudFront, Google Cloud, Azure (SAS) and Akamai.
 */
const SECRET_KEYS = (
  "code usercode devicecode codeverifier authcode logincode accesscode resetcode activationcode confirmationcode verificationcode " +
  "activationkey authkey apikey accesskey sesskey oauthverifier samlresponse samlrequest samlart ticket pgtid oobcode magic magiclink " +
  "nonce wpnonce auth sso sid sessionid jsessionid phpsessid sig hmac keypairid googleaccessid hdnts hdnea clerkticket ott"
).split(" ");
const KNOWN_KEYS: ReadonlySet<string> = new Set(SECRET_KEYS);

/** Where a list goes on: `pageToken`, `continuation_token`, `$skiptoken`. */
const PAGING = /^(?:next|prev|previous)?(?:page|next|continuation|cursor|sync|skip|delta|resume)token$/;

/** The built-in list, for the documentation. */
export const SECRET_KEYS_TEXT = `${SECRET_KEYS.join(", ")}, and every key with one of the words ${SECRET_WORDS.join(", ")} (but pageToken and the like), in any letter case and spelling`;

const SECRET_WORD = new Set(SECRET_WORDS);
const HEADER_WORD = new Set([...SECRET_WORDS, ...HOLDER_WORDS]);
const ANY_WORD = new Set([...HEADER_WORD, ...PERSONAL_WORDS]);

/** Longer names are cut: whoever sends them must not choose how long we read. */
const MAX_NAME = 256;

/** `userEmail2` → `user`, `email`. */
const wordsOf = (name: string): string[] =>
  name
    .slice(0, MAX_NAME)
    .replace(/([a-z0-9])(?=[A-Z])/g, "$1 ")
    .toLowerCase()
    .split(/[^a-z]+/);

const hasWord = (name: string, words: ReadonlySet<string>): boolean =>
  wordsOf(name).some((word) => words.has(word) || (word.endsWith("s") && words.has(word.slice(0, -1))));

/** Does a field, header or attribute of this name hold a secret, or something about a person? `more`: by `plainName`. Errs on the side of yes. */
export function isSecretName(name: string, more: ReadonlySet<string>): boolean {
  const plain = plainName(name.slice(0, MAX_NAME));
  return more.has(plain) || COMPOUND.test(plain) || hasWord(name, ANY_WORD);
}

/** `user[token]` is `token` to whoever reads forms so; `access.token` is `access_token` to PHP. */
const partsOf = (key: string): string[] => (key.includes("[") ? [key, ...key.slice(0, MAX_NAME).split(/[[\]]+/)] : [key]);

/** Is this decoded key of a query one of these? `keys`: by `plainName`. */
export const isOneOf = (key: string, keys: ReadonlySet<string>): boolean =>
  keys.size > 0 && partsOf(key).some((part) => part !== "" && keys.has(plainName(part.slice(0, MAX_NAME))));

/** Does this decoded key of a query hold a secret, by the built-in list? */
export function isSecretKey(key: string): boolean {
  const plain = plainName(key.slice(0, MAX_NAME));
  if (PAGING.test(plain)) return false;
  return isOneOf(key, KNOWN_KEYS) || KEY.test(plain) || /token$/.test(plain) || wordsOf(key).some((word) => SECRET_WORD.has(word));
}

/** Proxies that log people in say who it is: Cloudflare Access, AWS load balancers, Azure App Service, Google's IAP, oauth2-proxy, TLS (RFC 9440). */
const IDENTITY =
  /^(?:cf-access-|x-amzn-oidc-|x-ms-client-principal|x-goog-(?:iap|authenticated)-|x-auth-request-|(?:x-)?(?:ssl-)?client-cert)/;

/** What any of them has in it: most headers of a request have none of it, and are looked at no further. */
const MAYBE = /auth|token|key|cookie|sess|sid|sf|sec|pass|pwd|jwt|otp|sign|cred|assert|bear|dpop|cf.access|x.amzn|x.ms.|x.goog|cert/;

/** Does this header prove who sends the request, in any spelling that an origin may fold into it? Lower case. */
export const isCredentialHeader = (name: string): boolean =>
  MAYBE.test(name) && (IDENTITY.test(folded(name)) || KEY.test(plainName(name)) || hasWord(name, HEADER_WORD) || /token$/.test(name));
