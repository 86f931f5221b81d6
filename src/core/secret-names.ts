/**
 * Names under which secrets travel. One vocabulary for what a copy may not carry (headers, keys of a query) and for what a sample may not show
 * (contract section 7). Names are compared in any letter case and any spelling of their words: `access_token`, `accessToken` and `Access-Token`
 * are one.
 */
import { folded } from "./header-names.ts";

/** Letters and digits only, lower case: what all spellings of a name share. A name without any stays as it is. */
export const plainName = (name: string): string => name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "") || name;

/** What proves who somebody is, or opens something once, in any name that has one of these words: `reset_password_token`. */
const SECRET_WORDS =
  "token password passwd passphrase passcode pwd secret jwt otp totp pin nonce signature credential assertion csrf xsrf bearer oauth hmac".split(
    " ",
  );
/** Codes and keys are secret beside one of these: `mfa_code`, `resetKey`, `inviteCodes`. Others are not: `country_code`, `sort_key`. */
const OPENING = (
  "2fa access activation admin api auth authentication authorization backup confirm confirmation device email enrollment invitation invite " +
  "link login magic master mfa onetime otp pairing private recovery registration reset secret security session sess signin signup sms " +
  "unlock verification verify"
).split(" ");
/** Only keys are: an `account_code` is no secret. */
const KEY_OPENING = "account app application encryption functions license service signing subscription".split(" ");
/** A header is a proof with any code and key but these: proxies and caches, and what a value is of. */
const ORDINARY = (
  "cache country currency error http idempotency language locale partition postal primary product promo public region response routing sort " +
  "status surrogate websocket zip"
).split(" ");

const OPENING_WORD = new Set(OPENING);
const KEY_OPENING_WORD = new Set(KEY_OPENING);
/** `userapikey`, but not `preset`. */
const ENDS_OPENING = new RegExp(`(?<!p)(?:${OPENING.join("|")})$`);
const PAIRED = /^(.*)(code|key)s?(?:id|value|hash)?$/;
const ORDINARY_PAIR = new RegExp(`(?:^| )(?:${ORDINARY.join("|")}) ?(?:code|key)s?$`);

/** What may hold one; a query uses these words for other things, too (`?session=spring`). */
const HOLDER_WORDS = "auth authorization authentication cookie session sid dpop appcheck".split(" ");
const PERSONAL_WORDS = "cvv cvc csc card pan iban ssn email mail phone mobile birthday birthdate dob".split(" ");
/** Fields: words that mean a secret only together, and those that are often written as one with others. */
const COMPOUND = /accountnumber|password|passwd|token|secret|cookie|sessionid|email|dateofbirth|creditcard/;

/**
 * Keys of a query that hold a secret, or work once, beside those above: OAuth 2 and OpenID Connect (RFC 6749, section 4.1.2; RFC 7636; RFC
 * 8628), OAuth 1 (RFC 5849), SAML 2 bindings, CAS tickets, links sent by mail (Firebase, WordPress, Discourse, Clerk), session ids in URLs,
 * signed URLs of S3 and CloudFront, Google Cloud, Azure (SAS) and Akamai.
 */
const SECRET_KEYS = (
  "code usercode codeverifier oauthverifier samlresponse samlrequest samlart ticket pgtid oobcode magic magiclink wpnonce auth sso sid " +
  "sessionid jsessionid phpsessid sig keypairid googleaccessid hdnts hdnea clerkticket ott"
).split(" ");
const KNOWN_KEYS: ReadonlySet<string> = new Set(SECRET_KEYS);

/** Where a list goes on: `pageToken`, `continuation_token`, `$skiptoken`. */
const PAGING = /^(?:next|prev|previous)?(?:page|next|continuation|cursor|sync|skip|delta|resume)token$/;

/** The built-in list, for the documentation. */
export const SECRET_KEYS_TEXT = `${SECRET_KEYS.join(", ")}; every key with one of the words ${SECRET_WORDS.join(", ")} (but pageToken and the like); code and key beside one of ${OPENING.join(", ")}; key beside one of ${KEY_OPENING.join(", ")}; in any letter case and spelling`;

const SECRET_WORD = new Set(SECRET_WORDS);
const HEADER_WORD = new Set([...SECRET_WORDS, ...HOLDER_WORDS, ...SECRET_KEYS, "key"]);
const FIELD_WORD = new Set([...SECRET_WORDS, ...HOLDER_WORDS, ...PERSONAL_WORDS]);

/** Longer names are cut: whoever sends them must not choose how long we read. */
const MAX_NAME = 256;

/** `userEmail2` → `user`, `email`. */
const wordsOf = (name: string): string[] =>
  name
    .slice(0, MAX_NAME)
    .replace(/([a-z0-9])(?=[A-Z])/g, "$1 ")
    .toLowerCase()
    .match(/2fa|[a-z]+/g) ?? [];

const hasOne = (words: readonly string[], of: ReadonlySet<string>): boolean =>
  words.some((word) => of.has(word) || (word.endsWith("s") && of.has(word.slice(0, -1))));

/** Is one of these words a code or key beside what makes it secret, or as one with it? */
const isSecretPair = (words: readonly string[]): boolean =>
  words.some((word, at) => {
    const [, glued = "", what] = PAIRED.exec(word) ?? [];
    if (what === undefined) return false;
    const before = glued || (words[at - 1] ?? "");
    if (OPENING_WORD.has(before) || (what === "key" && KEY_OPENING_WORD.has(before)) || (glued !== "" && ENDS_OPENING.test(glued)))
      return true;
    // `one_time_code`; of `2fa_code`, a text may be read from the first letter on.
    return what === "code" && ((before === "time" && words[at - 2] === "one") || (before === "fa" && at === 1));
  });
const isOrdinary = (words: readonly string[]): boolean => ORDINARY_PAIR.test(words.slice(-2).join(" "));

/** Does a field, header or attribute of this name hold a secret, or something about a person? `more`: by `plainName`. Errs on the side of yes. */
export function isSecretName(name: string, more: ReadonlySet<string>): boolean {
  const plain = plainName(name.slice(0, MAX_NAME));
  if (more.has(plain) || COMPOUND.test(plain)) return true;
  const words = wordsOf(name);
  return hasOne(words, FIELD_WORD) || isSecretPair(words);
}

/** `user[token]` and `user.token` are `token` to whoever reads forms so; `access.token` is `access_token` to PHP. */
const partsOf = (key: string): string[] => (/[[.]/.test(key) ? [key, ...key.slice(0, MAX_NAME).split(/[[\].]+/)] : [key]);

/** Is this decoded key of a query one of these? `keys`: by `plainName`. */
export const isOneOf = (key: string, keys: ReadonlySet<string>): boolean =>
  keys.size > 0 && partsOf(key).some((part) => part !== "" && keys.has(plainName(part.slice(0, MAX_NAME))));

/** Does this decoded key of a query hold a secret, by the built-in list? */
export function isSecretKey(key: string): boolean {
  const plain = plainName(key.slice(0, MAX_NAME));
  if (PAGING.test(plain)) return false;
  const words = wordsOf(key);
  if (/token$/.test(plain) || hasOne(words, SECRET_WORD) || isSecretPair(words)) return true;
  return isOneOf(key, KNOWN_KEYS) && !isOrdinary(words);
}

/** Proxies that log people in say who it is: Cloudflare Access, AWS load balancers, Azure App Service, Google's IAP, oauth2-proxy, TLS (RFC 9440). */
const IDENTITY =
  /^(?:cf-access-|x-amzn-oidc-|x-ms-client-principal|x-goog-(?:iap|authenticated)-|x-auth-request-|(?:x-)?(?:ssl-)?client-cert)/;

/** What any of them has in it: most headers of a request have none of it, and are looked at no further. */
const MAYBE = new RegExp(`${[...HEADER_WORD].join("|")}|cf.access|x.amzn|x.ms.|x.goog|cert`);

/** Does this header prove who sends the request, in any spelling that an origin may fold into it? Lower case. */
export function isCredentialHeader(name: string): boolean {
  if (!MAYBE.test(name)) return false;
  const words = wordsOf(name);
  if (IDENTITY.test(folded(name)) || /token$/.test(name) || isSecretPair(words)) return true;
  return hasOne(words, HEADER_WORD) && !(isOrdinary(words) && !hasOne(words, SECRET_WORD));
}
