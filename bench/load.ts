/**
 * Closed-loop load: a fixed number of connections, each sending its next request when the last was answered.
 *
 * On bare sockets with requests rendered beforehand, because the client must not be what is measured: on two cores the
 * usual Node load generators saturate at half of what the bare runtime serves, and every ratio would look like 1.
 */
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { percentile } from "./table.ts";

export interface LoadTarget {
  url: string;
  key: string;
  /** The next body of a connection; a buffer may be written over once its request was answered. */
  nextBody(connection: number): string | Buffer;
  headers?: Record<string, string>;
  /** The status of an answer that is no failure; 200 when not given. */
  expectedStatus?: number;
}

/** Bodies in turn, so that no cache sees the same one only. */
export function inTurn(bodies: readonly string[]): (connection: number) => string {
  let next = 0;
  return () => bodies[next++ % bodies.length] ?? "";
}

export interface LoadResult {
  requestsPerS: number;
  p50Ms: number;
  p99Ms: number;
  requests: number;
  /** Answers with another status than expected. */
  failed: number;
}

/** Posts to `url` for `seconds` over `connections`. Throws when a connection breaks. */
export async function load(
  target: LoadTarget,
  { seconds, connections }: { seconds: number; connections: number },
): Promise<LoadResult> {
  const url = new URL(target.url);
  const latenciesMs: number[] = [];
  let failed = 0;
  let over = false;

  const client = async (connection: number) => {
    const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
    const answers = new AnswerReader(socket);
    while (!over) {
      const body = target.nextBody(connection);
      const head = headOf(url, target, Buffer.byteLength(body));
      const sentAt = performance.now();
      socket.cork();
      socket.write(head);
      socket.write(body);
      socket.uncork();
      const status = await answers.next();
      latenciesMs.push(performance.now() - sentAt);
      if (status !== (target.expectedStatus ?? 200)) failed++;
    }
    socket.destroy();
  };
  const startedAt = performance.now();
  const clients = Array.from({ length: connections }, (_, connection) => client(connection));
  await Promise.race([sleep(seconds * 1_000), Promise.all(clients)]);
  over = true;
  await Promise.all(clients);
  const elapsedS = (performance.now() - startedAt) / 1_000;
  return {
    requestsPerS: latenciesMs.length / elapsedS,
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
    requests: latenciesMs.length,
    failed,
  };
}

const heads = new WeakMap<LoadTarget, Map<number, string>>();

/** Everything before a body of `length` bytes; rendered once. */
function headOf(url: URL, target: LoadTarget, length: number): string {
  const known = heads.get(target) ?? new Map<number, string>();
  heads.set(target, known);
  let head = known.get(length);
  if (head === undefined) {
    const lines = [
      `POST ${url.pathname} HTTP/1.1`,
      `host: ${url.host}`,
      `authorization: Bearer ${target.key}`,
      "content-type: application/json",
      `content-length: ${length}`,
      ...Object.entries(target.headers ?? {}).map(([name, value]) => `${name}: ${value}`),
    ];
    head = `${lines.join("\r\n")}\r\n\r\n`;
    known.set(length, head);
  }
  return head;
}

/** Reads answers with a Content-Length off a socket, one at a time, and keeps nothing of them but the status. */
class AnswerReader {
  private head = "";
  /** Bytes of the body still to come; -1 while the head is being read. */
  private bodyLeft = -1;
  private status = 0;
  private settle: { resolve(status: number): void; reject(error: Error): void } | null = null;

  constructor(socket: Socket) {
    socket.on("data", (chunk: Buffer) => this.take(chunk));
    socket.on("error", (error) => this.settle?.reject(error));
    socket.on("close", () => this.settle?.reject(new Error("the server closed the connection")));
  }

  next(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
    });
  }

  private take(chunk: Buffer): void {
    let bytes = chunk.byteLength;
    if (this.bodyLeft < 0) {
      this.head += chunk.toString("latin1");
      const headEnd = this.head.indexOf("\r\n\r\n");
      if (headEnd < 0) return;
      bytes = this.head.length - headEnd - 4;
      const length = /\r\ncontent-length: (\d+)/i.exec(this.head)?.[1];
      if (length === undefined) {
        this.settle?.reject(
          new Error(`an answer without a length: ${this.head.slice(0, headEnd)}`),
        );
        return;
      }
      this.status = Number(this.head.slice(9, 12));
      this.bodyLeft = Number(length);
      this.head = "";
    }
    this.bodyLeft -= bytes;
    if (this.bodyLeft > 0) return;
    this.bodyLeft = -1;
    this.settle?.resolve(this.status);
  }
}
