/** The OpenAPI 3.1 description of the product, made from OPERATIONS and OPERATION_SCHEMAS. */
import * as z from "zod";
import { PERMISSIONS } from "./access.ts";
import { cloudEventBatchSchema, cloudEventSchema } from "./cloud-events.ts";
import { eventSchema } from "./events.ts";
import { OPERATION_EXAMPLES, type OperationExample } from "./operation-examples.ts";
import { OPERATION_SCHEMAS, type OperationSchemas } from "./operation-schemas.ts";
import { OPERATIONS, type Operation, type OperationId } from "./operations.ts";
import { PROBLEMS, type ProblemType, problemSchema } from "./problem.ts";

type Json = Record<string, unknown>;

export interface OpenApiDocument {
  openapi: string;
  info: Json;
  paths: Record<string, Record<string, Json>>;
  components: { schemas: Record<string, unknown>; securitySchemes: Json };
  [field: string]: unknown;
}

type Described = Operation & OperationSchemas & { example: OperationExample };

/** Every operation with its schemas. */
const DESCRIBED = Object.entries<Operation>(OPERATIONS).map(
  ([id, operation]): [id: string, operation: Described] => [
    id,
    {
      ...operation,
      ...OPERATION_SCHEMAS[id as OperationId],
      example: OPERATION_EXAMPLES[id as OperationId] ?? {},
    },
  ],
);

const PROBLEM_TYPE = "application/problem+json";

/** The whole document. Schemas have names, so that a generator of clients makes types with names. */
export function openApiDocument(): OpenApiDocument {
  const schemas = namedSchemas();
  const paths: OpenApiDocument["paths"] = {};
  for (const [id, operation] of DESCRIBED) {
    const method = operation.method.toLowerCase();
    paths[operation.path] = {
      ...paths[operation.path],
      [method]: operationObject(id, operation, schemas),
    };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Edge demand and pricing",
      version: "1.0.0",
      description: "Events in; windows, forecasts and prices out.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    security: [{ key: [] }, { token: [] }],
    tags: ["Prices", "Demand", "Events", "Administration", "Service"].map((name) => ({ name })),
    paths,
    components: {
      schemas: schemas.definitions,
      securitySchemes: {
        key: { type: "http", scheme: "bearer", description: "An API key." },
        token: {
          type: "oauth2",
          description: "An access token of a key, or of an identity provider that is trusted.",
          flows: {
            clientCredentials: {
              tokenUrl: OPERATIONS.issueToken.path,
              scopes: Object.fromEntries(PERMISSIONS.map((permission) => [permission, ""])),
            },
          },
        },
      },
    },
  };
}

function operationObject(id: string, operation: Described, schemas: NamedSchemas): Json {
  const { summary, description, permission, body, example } = operation;
  return {
    operationId: id,
    tags: [tagOf(operation.path)],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(permission === null ? { security: [] } : { "x-permission": permission }),
    ...parametersOf(operation),
    ...(body && {
      requestBody: {
        required: true,
        content: Object.fromEntries(
          Object.entries(body).map(([contentType, schema]) => [
            contentType,
            {
              schema: schemas.of(schema),
              ...(contentType === "application/json" && exampleOf(example.body)),
            },
          ]),
        ),
      },
    }),
    responses: responsesOf(operation, schemas),
  };
}

function tagOf(path: string): string {
  if (path.startsWith("/admin/")) return "Administration";
  if (path.startsWith("/api/v1/pricing") || path.startsWith("/api/v1/quotes")) return "Prices";
  if (path.startsWith("/api/v1/events")) return "Events";
  return path.startsWith("/api/") ? "Demand" : "Service";
}

function parametersOf({ parameters = {}, query }: Described): Json {
  const inPath = Object.entries(parameters).map(([name, schema]) => ({
    name,
    in: "path",
    required: true,
    schema: jsonSchemaOf(schema),
  }));
  const inQuery = Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: "query",
    required: !z.safeParse(schema, undefined).success,
    schema: jsonSchemaOf(schema),
  }));
  const all = [...inPath, ...inQuery];
  return all.length === 0 ? {} : { parameters: all };
}

function responsesOf(operation: Described, schemas: NamedSchemas): Json {
  const { status, contentType, schema } = operation.answer;
  const byStatus = Map.groupBy(problemsOf(operation), (type) => String(PROBLEMS[type][0]));
  const problems = [...byStatus].map(([problemStatus, types]) => [
    problemStatus,
    {
      description: types.map((type) => `\`${type}\`: ${PROBLEMS[type][1]}`).join(" "),
      content: { [PROBLEM_TYPE]: { schema: schemas.of(problemSchema) } },
    },
  ]);
  return {
    [status]: {
      description: operation.summary,
      content: {
        [contentType]: { schema: schemas.of(schema), ...exampleOf(operation.example.answer) },
      },
    },
    ...Object.fromEntries(problems),
    ...failuresOf(operation, schemas),
  };
}

function failuresOf({ failures, summary }: Described, schemas: NamedSchemas): Json {
  if (!failures) return {};
  const content = { "application/json": { schema: schemas.of(failures.schema) } };
  return Object.fromEntries(
    failures.statuses.map((status) => [status, { description: `No: ${summary}`, content }]),
  );
}

function exampleOf(example: unknown): Json {
  return example === undefined ? {} : { example };
}

/** Every problem an operation can answer with. */
function problemsOf(operation: Described): ProblemType[] {
  const { permission, scope, query, body, problems, failures } = operation;
  if (failures) return [...problems, "internal"];
  const bodies = Object.keys(body ?? {});
  return [
    ...(bodies.includes("application/json") ? (["malformed_json"] as const) : []),
    ...(permission === null ? [] : (["unauthenticated", "forbidden"] as const)),
    ...(permission === null || scope === "shared" ? [] : (["forbidden_region"] as const)),
    ...(bodies.length > 0 ? (["body_too_large", "unsupported_media_type"] as const) : []),
    ...(query || body ? (["invalid_request"] as const) : []),
    ...(permission === null ? [] : (["rate_limited"] as const)),
    ...problems,
    "internal",
  ];
}

interface NamedSchemas {
  definitions: Record<string, unknown>;
  of(schema: z.ZodType): Json;
}

/** Bodies and answers of all operations under names; a string needs none. */
function namedSchemas(): NamedSchemas {
  const registry = z.registry<{ id: string }>();
  const add = (schema: z.ZodType, name: string) => {
    if (schema instanceof z.ZodString || registry.has(schema)) return;
    registry.add(schema, { id: name });
  };
  add(problemSchema, "Problem");
  add(eventSchema, "Event");
  add(cloudEventSchema, "CloudEvent");
  add(cloudEventBatchSchema, "CloudEventBatch");
  for (const [id, operation] of DESCRIBED) {
    const name = `${id[0]?.toUpperCase()}${id.slice(1)}`;
    for (const schema of Object.values(operation.body ?? {})) add(schema, `${name}Request`);
    add(operation.answer.schema, `${name}Answer`);
    if (operation.failures) add(operation.failures.schema, `${name}Error`);
  }
  const { schemas } = z.toJSONSchema(registry, { ...AS_ON_THE_WIRE, uri: referenceTo });
  return {
    definitions: Object.fromEntries(
      Object.entries(schemas).map(([name, schema]) => [name, withoutMeta(schema)]),
    ),
    of(schema) {
      const entry = registry.get(schema);
      return entry ? { $ref: referenceTo(entry.id) } : jsonSchemaOf(schema);
    },
  };
}

// What is sent, before it is parsed: there a time is a string still.
const AS_ON_THE_WIRE = { io: "input" } as const;

const referenceTo = (name: string) => `#/components/schemas/${name}`;

function jsonSchemaOf(schema: z.ZodType): Json {
  return withoutMeta(z.toJSONSchema(schema, AS_ON_THE_WIRE));
}

/** OpenAPI says itself which JSON Schema it speaks, and where a component is. */
function withoutMeta({ $schema: _, $id: __, ...schema }: Json): Json {
  return schema;
}
