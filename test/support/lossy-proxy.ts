/** A network that loses things, between a client and a service: seeded, so that a failing run can be had again. */
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** What may happen to a request; the number is its share of a hundred. */
const FATES = {
  /** It arrives, is answered, and the answer arrives. */
  passed: 50,
  /** The service did it, and the answer is lost. */
  answerLost: 14,
  /** The service did it, and the connection breaks within the answer. */
  answerCut: 8,
  /** It never arrives. */
  requestLost: 8,
  /** The connection breaks while it is sent. */
  requestCut: 6,
  /** Somebody on the way says 503, before or after the service did it. */
  unavailable: 5,
  unavailableAfterwards: 4,
  /** 429 with Retry-After. */
  limited: 5,
} as const;

export type Fate = keyof typeof FATES;

export interface LossyProxy {
  readonly url: string;
  /** How many requests met each fate. */
  readonly met: Record<Fate, number>;
  close(): void;
}

const MAX_DELAY_MS = 120;

/** Listens on a port of the system's choice, and hands requests to the service at `target` as far as they arrive. */
export async function startLossyProxy(target: string, seed: number): Promise<LossyProxy> {
  const random = xoroshiro128plus(seed);
  const met = Object.fromEntries(Object.keys(FATES).map((fate) => [fate, 0])) as LossyProxy["met"];

  function nextFate(): Fate {
    let dice = uniformInt(random, 0, 99);
    for (const [fate, share] of Object.entries(FATES)) {
      dice -= share;
      if (dice < 0) return fate as Fate;
    }
    return "passed";
  }

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const fate = nextFate();
    met[fate]++;
    const delayMs = uniformInt(random, 0, MAX_DELAY_MS);
    if (fate === "requestCut") {
      incoming.once("data", () => incoming.socket.destroy());
      return;
    }
    const body = Buffer.concat(await incoming.toArray());
    await sleep(delayMs);
    if (fate === "requestLost") {
      incoming.socket.destroy();
    } else if (fate === "unavailable") {
      response.writeHead(503).end("upstream connect error");
    } else if (fate === "limited") {
      response.writeHead(429, { "retry-after": "1" }).end();
    } else {
      const answer = await forwarded(target, incoming, body);
      await sleep(delayMs);
      if (fate === "answerLost") incoming.socket.destroy();
      else if (fate === "unavailableAfterwards") response.writeHead(503).end();
      else if (fate === "answerCut") {
        response.writeHead(answer.status, { "content-length": answer.body.byteLength });
        response.write(answer.body.subarray(0, answer.body.byteLength >> 1), () => {
          incoming.socket.destroy();
        });
      } else response.writeHead(answer.status, answer.headers).end(answer.body);
    }
  }

  const server = createServer((incoming, response) => {
    // A connection that breaks from the other side ends what was being done for it.
    handle(incoming, response).catch(() => incoming.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    met,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

function forwarded(target: string, incoming: IncomingMessage, body: Buffer): Promise<Answer> {
  const { method = "GET", url = "/", headers } = incoming;
  return new Promise((resolve, reject) => {
    const outgoing = request(new URL(url, target), { method, headers }, (answer) => {
      answer.toArray().then((parts) => {
        const { statusCode: status = 502 } = answer;
        const type = answer.headers["content-type"] ?? "";
        resolve({ status, headers: { "content-type": type }, body: Buffer.concat(parts) });
      }, reject);
    });
    outgoing.once("error", reject).end(body);
  });
}
