/** Which fault reigns at which origin, by the seed: spells of one kind, with calm ones in between. */
import type { Responder } from "../support/origin.ts";
import * as reply from "../support/replies.ts";
import { type Random, randomOf } from "./random.ts";

/** A baseline that hangs keeps its clients waiting for as long as it likes, so it ends in time. */
const HANG_MS = 2_000;
const hang = reply.after(HANG_MS, reply.resetBeforeHeaders());

/** Instead of an answer. The lane's own 500 is listed nowhere, so it is the client's; its header says whose it is. */
const BEFORE: Readonly<Record<string, Responder>> = {
  "reset before headers": reply.resetBeforeHeaders(),
  "reset in headers": reply.resetInHeaders(),
  "hang before headers": hang,
  "never reads": (exchange) => {
    exchange.req.pause();
    return hang(exchange);
  },
  "502": reply.answer(502, "bad gateway"),
  "503": reply.answer(503, "not now"),
  "504": reply.answer(504, "too late"),
  "520 of the platform": reply.answer(520, "error code: 520"),
  "500 of its own": reply.answer(500, "own", { "x-soak-own": "1" }),
  rubbish: reply.rubbish(),
  "no status": reply.oddStatus(999),
  "end without a word": reply.raw(""),
};
/** An answer whose body is none. */
const BODY: Readonly<Record<string, Responder>> = {
  "body too short": reply.shortBody(),
  "chunk that is none": reply.badChunk(),
  "reset in body": reply.resetInBody(2_000),
};
/** Bodies without an end, where nobody waits for it. */
const UNSEEN: Readonly<Record<string, Responder>> = { flood: reply.flood(), "flood with 503": reply.flood(503) };

export const REFUSED = "connection refused";
export const SLOW = "slow headers";
/** A body of another length than its header says is one that breaks off. */
export const breaksBody = (fault: string): boolean => Object.keys(BODY).some((kind) => fault.startsWith(kind));

export interface Weather {
  /** The fault for one request, by its id; null: an honest answer. */
  faultFor(id: string, readsBody: boolean): string | null;
  responder(fault: string, id: string, honest: Responder): Responder;
  /** Did it reign, at any time between? Milliseconds of `performance.now()`. */
  wasIll(from: number, to: number): boolean;
  wasRefusing(from: number, to: number): boolean;
  /** Spells until `isOver`, then calm. */
  reign(isOver: () => boolean): Promise<void>;
}

/** What may follow a spell: answers to what was asked in it. */
const AFTER_MS = 300;

interface Spell {
  readonly kind: string;
  readonly from: number;
  to: number;
}

export interface Place {
  readonly name: string;
  /** Share of the time that is calm. */
  readonly calm: number;
  readonly dark: boolean;
  down(): Promise<void>;
  up(): Promise<void>;
}

export function weatherAt(seed: number, place: Place, sleep: (ms: number) => Promise<void>, count: (what: string) => void): Weather {
  const random: Random = randomOf(seed, `weather/${place.name}`);
  const faults: Record<string, Responder> = { ...BEFORE, ...BODY, ...(place.dark ? UNSEEN : {}) };
  const kinds = [...Object.keys(faults), SLOW, REFUSED, REFUSED];
  const spells: Spell[] = [];
  const now = () => spells.at(-1);
  const reigned = (from: number, to: number, is: (kind: string) => boolean) =>
    spells.some((spell) => is(spell.kind) && spell.from <= to && spell.to + AFTER_MS >= from);
  return {
    faultFor(id, readsBody) {
      const spell = now();
      if (spell === undefined || spell.to < performance.now() || spell.kind === REFUSED) return null;
      if ((spell.kind in BODY || spell.kind in UNSEEN) && !readsBody) return null;
      return randomOf(seed, `${place.name}/${id}`).chance(0.9) ? spell.kind : null;
    },
    responder: (fault, id, honest) =>
      fault === SLOW ? reply.after(randomOf(seed, `slow/${id}`).between(100, 800), honest) : faults[fault]!,
    wasIll: (from, to) => reigned(from, to, () => true),
    wasRefusing: (from, to) => reigned(from, to, (kind) => kind === REFUSED),
    async reign(isOver) {
      while (!isOver()) {
        const ms = random.between(300, 1_500);
        const kind = random.chance(place.calm) ? null : random.pick(kinds);
        if (kind !== null) {
          // Open-ended until it is over, so that a slow machine forgets nothing of it.
          const spell: Spell = { kind, from: performance.now(), to: Number.POSITIVE_INFINITY };
          spells.push(spell);
          if (kind === REFUSED) await place.down();
          if (kind === REFUSED) count(`${place.name}: ${kind}`);
          await sleep(ms);
          if (kind === REFUSED) await place.up();
          spell.to = performance.now();
        } else await sleep(ms);
      }
    },
  };
}
