/** Where Kafka is and how to get in: from the environment, so that secrets stand on no command line. */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { EVENT_TYPES, type Topic } from "../../domain/event.ts";
import type { KafkaSettings } from "./kafka-port.ts";

export const KAFKA_VARIABLES = `
KAFKA_BROKERS          host:port, several with commas between them
KAFKA_BRIDGE           what serve does with them: from, to, or from,to (default)
KAFKA_GROUP_ID         consumer group (demand-pricing)
KAFKA_TOPICS           topics to read (user-events,supply-events,external-events,retail-events)
KAFKA_OUT_PREFIX       before the topics that accepted events are written to (edge.)
KAFKA_TLS              true, or the path of a PEM file with the certificate authority
KAFKA_SASL_MECHANISM   plain, scram-sha-256 or scram-sha-512, with KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD
INGEST_URL             where events are posted; the pricing Worker of --edge-url when left out
INGEST_KEY             a key with the role ingest; that of a local stack's data dir when left out`;

const list = z
  .string()
  .transform((text) => text.split(",").map((part) => part.trim()))
  .pipe(z.array(z.string().min(1)).min(1));

const environmentSchema = z.object({
  KAFKA_BROKERS: list,
  KAFKA_BRIDGE: list.pipe(z.array(z.enum(["from", "to"]))).default(["from", "to"]),
  KAFKA_GROUP_ID: z.string().min(1).default("demand-pricing"),
  KAFKA_TOPICS: list.default(Object.keys(EVENT_TYPES)),
  KAFKA_OUT_PREFIX: z
    .string()
    .regex(/^[a-zA-Z0-9._-]{1,100}$/)
    .default("edge."),
  KAFKA_TLS: z.string().optional(),
  KAFKA_SASL_MECHANISM: z.enum(["plain", "scram-sha-256", "scram-sha-512"]).optional(),
  KAFKA_SASL_USERNAME: z.string().optional(),
  KAFKA_SASL_PASSWORD: z.string().optional(),
});

export interface BridgeSettings {
  kafka: KafkaSettings;
  directions: ReadonlySet<"from" | "to">;
  groupId: string;
  topics: string[];
  outTopic(topic: Topic): string;
}

/** True when the environment names a Kafka. */
export function hasKafka(environment: NodeJS.ProcessEnv): boolean {
  return environment.KAFKA_BROKERS !== undefined && environment.KAFKA_BROKERS !== "";
}

/** Reads the settings. Throws with the variable that is wrong. */
export async function bridgeSettingsFrom(environment: NodeJS.ProcessEnv): Promise<BridgeSettings> {
  const given = Object.fromEntries(Object.entries(environment).filter(([, text]) => text !== ""));
  const verdict = environmentSchema.safeParse(given);
  if (!verdict.success) {
    const [issue] = verdict.error.issues;
    throw new Error(`${issue?.path.join(".")}: ${issue?.message}`);
  }
  const settings = verdict.data;
  return {
    kafka: {
      clientId: "demand-pricing",
      brokers: settings.KAFKA_BROKERS,
      tls: await tlsFrom(settings.KAFKA_TLS),
      sasl: saslFrom(settings),
    },
    directions: new Set(settings.KAFKA_BRIDGE),
    groupId: settings.KAFKA_GROUP_ID,
    topics: settings.KAFKA_TOPICS,
    outTopic: (topic) => settings.KAFKA_OUT_PREFIX + topic,
  };
}

async function tlsFrom(text: string | undefined): Promise<KafkaSettings["tls"]> {
  if (text === undefined || text === "false") return false;
  return text === "true" ? true : { ca: await readFile(text, "utf8") };
}

function saslFrom(settings: z.output<typeof environmentSchema>): KafkaSettings["sasl"] {
  const { KAFKA_SASL_MECHANISM: mechanism } = settings;
  if (mechanism === undefined) return null;
  const { KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = settings;
  if (username === undefined || password === undefined) {
    throw new Error("KAFKA_SASL_MECHANISM needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD.");
  }
  // One object for each mechanism: the client's types tell them apart.
  switch (mechanism) {
    case "plain":
      return { mechanism, username, password };
    case "scram-sha-256":
      return { mechanism, username, password };
    case "scram-sha-512":
      return { mechanism, username, password };
    default:
      return mechanism satisfies never;
  }
}
