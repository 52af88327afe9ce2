import {
  evictDurableObject,
  reset,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { beforeEach, describe, expect, it } from "vitest";
import type { QuoteLedgerRpc, RedemptionAsk } from "../../../contract/quote-ledger.ts";
import { ledgerOf } from "../../../contract/quote-ledger.ts";
import { QuoteLedgerObject } from "../../../workers/pricing/quotes/quote-ledger.ts";
import type { RedemptionRecord } from "../../../workers/pricing/quotes/redemption-rows.ts";
import { forgetRedemptionsBefore } from "../../../workers/pricing/quotes/redemption-store.ts";
import { redemptions } from "../../../workers/pricing/schema.ts";
import { migrate } from "./migrate.ts";

beforeEach(async () => {
  await reset();
  await migrate();
});

const quoteId = (n: number) => `quo_${n.toString(16).padStart(24, "0")}`;

function askFor(n: number, now: number, changed: Partial<RedemptionAsk> = {}): RedemptionAsk {
  return {
    quoteId: quoteId(n),
    keyHash: "a",
    redeemableUntil: now + 120_000,
    knownUntil: now + 780_000,
    quantity: 1,
    orderReference: null,
    audit: {
      decisionId: "nyc-161.standard_ride.1",
      requestId: "req_nyc-161.standard_ride.1.abc",
      regionId: "nyc-161",
      productType: "standard_ride",
      priceMinor: 1575,
      currency: "USD",
      userHash: null,
      issuedAt: now,
      redeemedBy: "key_pricing",
    },
    ...changed,
  };
}

const realLedger = (name = "quotes-0") => env.QUOTES.getByName(name);
const rpc = (stub: ReturnType<typeof realLedger>) => stub as unknown as QuoteLedgerRpc;

/** A ledger over the storage of a real one, with a clock and an audit that the test holds. Its alarms never ring by themselves. */
class Life {
  now = Date.UTC(2090, 0, 1);
  readonly audit: RedemptionRecord[] = [];
  auditIsDown = false;
  ledger: QuoteLedgerObject;
  private readonly state: DurableObjectState;

  constructor(state: DurableObjectState) {
    this.state = state;
    this.ledger = this.begin();
  }

  begin(maxUnrecorded = 1_000_000): QuoteLedgerObject {
    this.ledger = new QuoteLedgerObject(this.state, env, {
      record: async (records) => {
        if (this.auditIsDown) throw new Error("the audit is down");
        this.audit.push(...records);
      },
      wallNow: () => this.now,
      log: () => undefined,
      maxUnrecorded,
    });
    return this.ledger;
  }

  get rows(): number {
    return this.state.storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM redemptions").one()
      .n;
  }

  /** Milliseconds until the alarm; null without one. */
  async alarmIn(): Promise<number | null> {
    const at = await this.state.storage.getAlarm();
    return at === null ? null : at - this.now;
  }

  /** As the runtime does: the alarm is gone when its handler runs. */
  async ring(): Promise<void> {
    await this.state.storage.deleteAlarm();
    await this.ledger.alarm();
  }

  async redeem(n: number, changed?: Partial<RedemptionAsk>): Promise<string> {
    return (await this.ledger.redeem(askFor(n, this.now, changed))).kind;
  }
}

const inLedger = (test: (life: Life) => Promise<void>) => async () => {
  await runInDurableObject(realLedger(), async (_, state) => {
    await test(new Life(state));
    await state.storage.deleteAlarm();
  });
};

describe("the ledger of quotes", () => {
  it(
    "gives a quote to one key, and repeats its terms to that key",
    inLedger(async (life) => {
      const { now } = life;
      const terms = { redeemedAt: now, quantity: 1, orderReference: "o" };
      const ask = askFor(1, now, { orderReference: "o" });
      const { ledger } = life;
      expect(await ledger.redeem(ask)).toEqual({ kind: "redeemed", repeated: false, terms });
      life.now += 60_000;
      expect(await ledger.redeem(ask)).toEqual({ kind: "redeemed", repeated: true, terms });
      expect(await ledger.redeem({ ...ask, keyHash: "b" })).toEqual({
        kind: "other_key",
        redeemedAt: now,
      });
      expect(await ledger.redeem({ ...ask, quantity: 2 })).toEqual({
        kind: "other_terms",
        redeemedAt: now,
      });
      life.now += 60_001;
      expect(await ledger.redeem(ask)).toEqual({ kind: "redeemed", repeated: true, terms });
      expect(await ledger.redeem(askFor(2, now))).toEqual({ kind: "expired" });
    }),
  );

  it(
    "writes each redemption to the audit once, a second later, together with others",
    inLedger(async (life) => {
      for (let n = 0; n < 1_234; n++) await life.redeem(n);
      expect(await life.alarmIn()).toBe(1_000);
      life.now += 1_000;
      await life.ring();
      expect(life.audit.map(({ quoteId: id }) => id)).toEqual(
        Array.from({ length: 1_234 }, (_, n) => quoteId(n)),
      );
      expect(life.audit[7]).toMatchObject({
        priceMinor: 1575,
        redeemedAt: life.now - 1_000,
        redeemedBy: "key_pricing",
      });
      await life.ring();
      expect(life.audit).toHaveLength(1_234);
      await life.redeem(9_999);
      expect(await life.alarmIn()).toBe(1_000);
      await life.ring();
      expect(life.audit).toHaveLength(1_235);
    }),
  );

  it(
    "tries the audit again, later each time, through restarts, and loses nothing",
    inLedger(async (life) => {
      life.auditIsDown = true;
      await life.redeem(1);
      const waits: (number | null)[] = [];
      for (let i = 0; i < 8; i++) {
        await life.ring();
        waits.push(await life.alarmIn());
        // What comes meanwhile does not hurry it.
        await life.redeem(10 + i);
        expect(await life.alarmIn()).toBe(waits.at(-1));
      }
      expect(waits).toEqual([2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1_000));
      life.begin();
      life.auditIsDown = false;
      expect(await life.redeem(1, { keyHash: "b" })).toBe("other_key");
      await life.ring();
      expect(life.audit).toHaveLength(9);
    }),
  );

  it(
    "forgets what is over and in the audit, in batches, and nothing else",
    inLedger(async (life) => {
      for (let n = 0; n < 2_500; n++) await life.redeem(n);
      const knownUntil = life.now + 780_000;
      life.now += 60_000;
      await life.redeem(3_000);
      life.auditIsDown = true;
      life.now = knownUntil + 1;
      await life.ring();
      expect(life.rows).toBe(2_501);
      life.auditIsDown = false;
      await life.ring();
      expect(life.rows).toBe(1);
      expect(await life.alarmIn()).toBe(60_000);
      life.now += 60_000;
      await life.ring();
      expect(life.rows).toBe(0);
      expect(await life.alarmIn()).toBeNull();
      // Numbers go on where they were, in a new life too.
      life.begin();
      expect(await life.redeem(4_000)).toBe("redeemed");
      await life.ring();
      expect(life.audit.at(-1)?.quoteId).toBe(quoteId(4_000));
    }),
  );

  it(
    "takes no more than it can keep for the audit",
    inLedger(async (life) => {
      life.begin(3);
      life.auditIsDown = true;
      for (const n of [1, 2, 3]) expect(await life.redeem(n)).toBe("redeemed");
      expect(await life.redeem(4)).toBe("full");
      expect(await life.redeem(3)).toBe("redeemed");
      life.auditIsDown = false;
      await life.ring();
      expect(await life.redeem(4)).toBe("redeemed");
    }),
  );

  it("remembers through eviction, and its rows reach D1 once, for as long as they are kept there", async () => {
    const stub = realLedger();
    const now = Date.now();
    const ask = askFor(1, now);
    const first = await rpc(stub).redeem(ask);
    expect(first).toMatchObject({ kind: "redeemed", repeated: false });
    await evictDurableObject(stub);
    expect(await rpc(stub).redeem(ask)).toMatchObject({ kind: "redeemed", repeated: true });
    expect(await rpc(stub).redeem({ ...ask, keyHash: "b" })).toMatchObject({ kind: "other_key" });
    await runDurableObjectAlarm(stub);
    await evictDurableObject(stub);
    const database = drizzle(env.DB);
    const rows = () => database.select().from(redemptions);
    await expect.poll(rows).toEqual([
      {
        ...ask.audit,
        quoteId: ask.quoteId,
        quantity: 1,
        orderReference: null,
        redeemedAt: expect.any(Number),
      },
    ]);
    await forgetRedemptionsBefore(database, now - 1_000);
    expect(await rows()).toHaveLength(1);
    await forgetRedemptionsBefore(database, now + 60_000);
    expect(await rows()).toEqual([]);
  });

  it("is one of sixteen objects, named by the quote alone", () => {
    const names = new Set(
      Array.from({ length: 256 }, (_, n) => ledgerOf(`quo_${n.toString(16).padStart(2, "0")}`)),
    );
    expect(names.size).toBe(16);
    expect(ledgerOf("quo_7f00")).toBe("quotes-7");
  });
});
