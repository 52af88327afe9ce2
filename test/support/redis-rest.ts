/**
 * Upstash's HTTP interface in front of a real Redis: POST / takes a command, /pipeline and /multi-exec take several, each an array
 * of strings; a bearer token; answers in base64 where the client asks for it.
 */
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createClient } from "redis";

export interface RedisRest {
  readonly url: string;
  readonly token: string;
  /** Commands it was sent, oldest first: each the name and the key or the script's first argument. */
  readonly commands: string[][];
  /** The Redis behind it, as any client of it sees it. */
  ask(...command: string[]): Promise<unknown>;
  stop(): Promise<void>;
}

/** @param redisUrl of a Redis that may go and come back meanwhile */
export async function startRedisRest(redisUrl: string, port: number): Promise<RedisRest> {
  const token = "a-token-of-redis";
  const commands: string[][] = [];
  const client = createClient({
    url: redisUrl,
    // What Upstash answers is what Redis says in its second protocol: a hash is a list.
    RESP: 2,
    disableOfflineQueue: true,
    socket: { reconnectStrategy: () => 50, connectTimeout: 1_000 },
  });
  // The next command says it; without a listener it would end the process.
  client.on("error", () => undefined);
  await client.connect();
  const run = (command: string[]) => {
    commands.push(command);
    return client.sendCommand(command);
  };

  async function answer(path: string, body: string): Promise<unknown> {
    const parsed: unknown = JSON.parse(body);
    switch (path) {
      case "/":
        return { result: await run(texts(parsed)) };
      case "/pipeline":
        return Promise.all(
          (parsed as unknown[]).map(async (one) => ({ result: await run(texts(one)) })),
        );
      case "/multi-exec": {
        const multi = client.multi();
        for (const one of parsed as unknown[]) multi.addCommand(texts(one));
        return (await multi.exec()).map((result) => ({ result }));
      }
      default:
        throw new Error(`no such path: ${path}`);
    }
  }

  const server = createServer(async (request, response) => {
    const isKnown = request.headers.authorization === `Bearer ${token}`;
    const asBase64 = request.headers["upstash-encoding"] === "base64";
    const [status, value] = isKnown
      ? await answered(() => bodyOf(request).then((body) => answer(request.url ?? "/", body)))
      : [401, { error: "Unauthorized" }];
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(asBase64 && status === 200 ? encoded(value) : value));
  });
  await listening(server, port);
  return {
    url: `http://127.0.0.1:${port}`,
    token,
    commands,
    ask: (...command) => client.sendCommand(command),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      client.destroy();
    },
  };
}

async function answered(work: () => Promise<unknown>): Promise<[number, unknown]> {
  try {
    return [200, await work()];
  } catch (error) {
    return [400, { error: error instanceof Error ? error.message : String(error) }];
  }
}

const texts = (command: unknown): string[] => (command as unknown[]).map(String);

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}

/** Strings within results as base64; numbers, nulls and errors as they are. */
function encoded(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(encoded);
  if (typeof value === "string") return Buffer.from(value).toString("base64");
  if (typeof value !== "object" || value === null || !("result" in value)) return value;
  return { result: encoded(value.result) };
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
}
