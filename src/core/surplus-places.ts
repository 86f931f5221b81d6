/** Which places give way where there are too many: those that are seldom seen among many of one shape, as below the keys of `byId.{id}.price`. */

interface Seen {
  readonly path: string;
  /** How often it differed, in whichever of the two comparisons: the same if they were swapped, so no verdict leans on it (`noise.ts`). */
  readonly seen: number;
}

/** Of a path, from its end, as many steps as are taken for an id. */
const MAX_STEPS = 6;
const STEP = /\['(?:[^'\\]|\\.)*'\]|\[\]|[^.[\]]+/g;

/** The path with each of its last keys as `*`. */
function shapes(path: string): string[] {
  const steps: string[] = path.match(STEP) ?? [];
  const first = Math.max(1, steps.length - MAX_STEPS);
  return steps.slice(first).flatMap((step, at) => (step === "[]" ? [] : [steps.with(first + at, "*").join(".")]));
}

/** The indexes of all but the `most` useful; of equal ones, the first go. */
export function surplus(places: readonly Seen[], most: number): ReadonlySet<number> {
  if (places.length <= most) return new Set();
  const crowds = new Map<string, number>();
  const shaped = places.map(({ path }) => shapes(path));
  for (const shape of shaped.flat()) crowds.set(shape, (crowds.get(shape) ?? 0) + 1);
  const use = places.map(({ seen }, at) => seen / Math.max(1, ...shaped[at]!.map((shape) => crowds.get(shape)!)));
  const order = [...places.keys()].sort((a, b) => use[a]! - use[b]! || a - b);
  return new Set(order.slice(0, places.length - most));
}
