/**
 * An origin that keeps the promise `"synthetic": true`: a request marked `x-lane-synthetic: true` does all that an order does, in one
 * transaction, and rolls it back. Its answer is the one that a real order would have got. The router alone sets the mark; behind another
 * door the header must be taken off.
 */
import { DurableObject } from "cloudflare:workers";

interface Env {
  readonly SHOP: DurableObjectNamespace<Shop>;
}

interface Order {
  readonly sku: string;
  readonly quantity: number;
}

type Placed = { readonly id: number; readonly total: number; readonly left: number } | { readonly refused: string };

/** Thrown to roll back; what was found out before stays. */
const ROLLBACK = Symbol("rollback");

export class Shop extends DurableObject<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { sql } = ctx.storage;
    sql.exec("CREATE TABLE IF NOT EXISTS stock (sku TEXT PRIMARY KEY, price INTEGER, left INTEGER)");
    sql.exec("CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY AUTOINCREMENT, sku TEXT, quantity INTEGER, total INTEGER)");
    sql.exec("CREATE TABLE IF NOT EXISTS ledger (at INTEGER, orderId INTEGER, amount INTEGER)");
    sql.exec("INSERT OR IGNORE INTO stock VALUES ('mug', 900, 10), ('shirt', 2500, 3)");
  }

  order(order: Order, synthetic: boolean): Placed {
    let placed: Placed = { refused: "nothing was ordered" };
    try {
      this.ctx.storage.transactionSync(() => {
        placed = this.#place(order);
        if (synthetic) throw ROLLBACK;
      });
    } catch (thrown) {
      if (thrown !== ROLLBACK) throw thrown;
    }
    return placed;
  }

  #place({ sku, quantity }: Order): Placed {
    const { sql } = this.ctx.storage;
    const [item] = sql.exec<{ price: number; left: number }>("SELECT price, left FROM stock WHERE sku = ?", sku);
    if (item === undefined) return { refused: `there is no ${sku}` };
    if (item.left < quantity) return { refused: `only ${item.left} left` };
    const total = item.price * quantity;
    sql.exec("UPDATE stock SET left = left - ? WHERE sku = ?", quantity, sku);
    const { id } = sql
      .exec<{ id: number }>("INSERT INTO orders (sku, quantity, total) VALUES (?, ?, ?) RETURNING id", sku, quantity, total)
      .one();
    sql.exec("INSERT INTO ledger VALUES (?, ?, ?)", Date.now(), id, total);
    return { id, total, left: item.left - quantity };
  }

  /** Every row of every table, the counter of ids included. */
  everything(): Record<string, unknown[]> {
    const { sql } = this.ctx.storage;
    const tables = ["stock", "orders", "ledger", "sqlite_sequence"];
    return Object.fromEntries(tables.map((table) => [table, sql.exec(`SELECT * FROM ${table}`).toArray()]));
  }
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const shop = env.SHOP.getByName("shop");
    if (request.method !== "POST") return Response.json(await shop.everything());
    const placed = await shop.order(await request.json(), request.headers.get("x-lane-synthetic") === "true");
    return Response.json(placed, { status: "refused" in placed ? 409 : 201 });
  },
};
