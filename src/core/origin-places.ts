/** Where the requests of origins go, so that two spellings of one place are equal (contract section 2, origins). */
import type { Origin } from "./lane-group.ts";
import { isPathPrefix } from "./match.ts";
import { normalPath } from "./normal-path.ts";
import { strippedPath } from "./target.ts";

/** The URL of one request at this origin, in its normal spelling; its headers are none of it. null: a URL that was refused. */
function urlAt(origin: Origin, asked: string): string | null {
  const base = origin.base ?? origin.binding;
  return base === null ? null : `${base}${normalPath(origin.path)}${strippedPath(origin, asked)}`;
}

/**
 * Paths that stand for all requests of a service with `path`: where each prefix that is stripped begins, and where none does. `?` is in no
 * path, so no longer prefix is meant.
 */
const samples = (path: string, strips: Iterable<string>): string[] =>
  [...new Set([path, ...[...strips].filter((strip) => isPathPrefix(path, strip))])].map((prefix) => `${prefix}/?`);

/** In any order they tell two origins behind one URL apart. */
const headersOf = ({ headers }: Origin): string => JSON.stringify([...headers].sort((a, b) => (a.name < b.name ? -1 : 1)));

/** Do both send some request of a service with this path to one place? A prefix that is stripped tells them apart only where it is always there. */
export function isSameOrigin(a: Origin | undefined, b: Origin | undefined, path = ""): boolean {
  if (a === undefined || b === undefined || headersOf(a) !== headersOf(b)) return false;
  return samples(path, [a.strip, b.strip]).some((asked) => urlAt(a, asked) !== null && urlAt(a, asked) === urlAt(b, asked));
}

/** An origin of a lane file, and where it stands. */
export interface Placed {
  readonly lane: string;
  readonly service: string;
  readonly origin: Origin;
}

/** What an origin has in common with those of other lanes. */
export interface Shared {
  /** Some request of the service has the same URL there. */
  readonly url: boolean;
  /** Another lane that sends requests, of this service or another one, to the same place. */
  readonly lane: string | null;
}

/** Judged for a whole file at once. `pathOf` a service: as `pathPrefix` writes it. O(origins × different prefixes that are stripped). */
export function sharedPlaces(origins: readonly Placed[], pathOf: (service: string) => string): (one: Placed) => Shared {
  const strips = Map.groupBy(origins, ({ service }) => service);
  const urlsOf = ({ service, origin }: Placed): string[] =>
    samples(pathOf(service), new Set(strips.get(service)!.map(({ origin: { strip } }) => strip))).flatMap((asked) => {
      const url = urlAt(origin, asked);
      return url === null ? [] : [`${service} ${asked} ${url}`];
    });
  const placesOf = (one: Placed): string[] => {
    const headers = headersOf(one.origin);
    const whole = urlAt({ ...one.origin, strip: "" }, "");
    return [...urlsOf(one), ...(whole === null ? [] : [whole])].map((url) => `${url} ${headers}`);
  };
  const [urls, places] = [lanesOf(origins, urlsOf), lanesOf(origins, placesOf)];
  const other = (lanes: Lanes, keys: readonly string[], { lane }: Placed): string | null => {
    for (const key of keys) for (const name of lanes.get(key)!) if (name !== lane) return name;
    return null;
  };
  return (one) => ({ url: other(urls, urlsOf(one), one) !== null, lane: other(places, placesOf(one), one) });
}

type Lanes = ReadonlyMap<string, ReadonlySet<string>>;

function lanesOf(origins: readonly Placed[], keysOf: (one: Placed) => readonly string[]): Lanes {
  const lanes = new Map<string, Set<string>>();
  for (const one of origins) {
    for (const key of keysOf(one)) {
      const known = lanes.get(key);
      if (known) known.add(one.lane);
      else lanes.set(key, new Set([one.lane]));
    }
  }
  return lanes;
}
