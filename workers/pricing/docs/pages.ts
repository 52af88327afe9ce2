/** GET /docs and /docs/problems: the description of the API as pages to read, made from what describes it to machines. */
import openApi from "../../../contract/openapi.json" with { type: "json" };
import type { OpenApiDocument } from "../../../contract/openapi.ts";
import { OPERATIONS, type Operation } from "../../../contract/operations.ts";
import { PROBLEMS, PROBLEMS_PATH } from "../../../contract/problem.ts";
import type { Handler } from "../router.ts";
import { type Html, html, htmlResponse, prose } from "./html.ts";
import { schemaText } from "./schema-text.ts";

interface DescribedOperation {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  parameters?: { name: string; in: string; required: boolean; schema: object }[];
  requestBody?: { content: Content };
  responses: Record<string, { description: string; content: Content }>;
}
type Content = Record<string, { schema: object; example?: unknown }>;

const described = openApi as unknown as OpenApiDocument;
const named = described.components.schemas;

export const showDocs: Handler = () => {
  const operations = Object.values(described.paths)
    .flatMap((methods) => Object.values(methods) as unknown as DescribedOperation[])
    .map((operation) => ({ operation, tag: operation.tags[0] ?? "" }));
  const sections = [...Map.groupBy(operations, ({ tag }) => tag)];
  return htmlResponse(
    "Edge demand and pricing",
    html`<h1>Edge demand and pricing</h1>
<p>Every route of the API. For machines: <a href="/openapi.json">openapi.json</a>. What can go wrong:
<a href="${PROBLEMS_PATH}">problems</a>. Send a key as <code>Authorization: Bearer &lt;key&gt;</code>.</p>
<table>${sections.map(([tag, members]) =>
      contentsOf(
        tag,
        members.map(({ operation }) => operation),
      ),
    )}</table>
${sections.map(
  ([tag, members]) => html`<h2>${tag}</h2>${members.map(({ operation }) => sectionOf(operation))}`,
)}`,
  );
};

function contentsOf(tag: string, operations: DescribedOperation[]): Html {
  return html`<tr><th>${tag}</th><td>${operations.map(
    ({ operationId, summary }) => html`<a href="#${operationId}">${summary}</a><br>`,
  )}</td></tr>`;
}

function sectionOf(operation: DescribedOperation): Html {
  const { operationId, summary, description = "", parameters = [], requestBody } = operation;
  const { method, path, permission } = operationOf(operationId);
  const problems = Object.entries(operation.responses).filter(([status]) => Number(status) >= 400);
  const answers = Object.entries(operation.responses).filter(([status]) => Number(status) < 400);
  return html`<section id="${operationId}">
<h3><span class="method">${method}</span> <code>${path}</code></h3>
<p><b>${summary}</b><br>${prose(description)}<br>
<span class="quiet">${permission === null ? "Open to everyone." : `Needs ${permission}.`}</span></p>
${
  parameters.length === 0
    ? ""
    : html`<table>${parameters.map(
        ({ name, required, schema }) =>
          html`<tr><td><code>${name}${required ? "" : "?"}</code></td><td><code>${schemaText(schema, named)}</code></td></tr>`,
      )}</table>`
}
${requestBody ? contentOf("Body", requestBody.content) : ""}
${answers.map(([status, { content }]) => contentOf(`Answer ${status}`, content))}
<p class="quiet">Problems: ${problems.map(([status, { description: text }]) => html`<span title="${text.replaceAll("`", "")}">${status}</span> `)}
(<a href="${PROBLEMS_PATH}">what they mean</a>)</p>
</section>`;
}

function operationOf(id: string): Operation {
  const operation = Object.entries<Operation>(OPERATIONS).find(([name]) => name === id)?.[1];
  if (!operation) throw new Error(`openapi.json describes an operation that is not there: ${id}`);
  return operation;
}

function contentOf(title: string, content: Content): Html {
  const bodies = Object.entries(content).map(
    ([contentType, { schema, example }]) =>
      html`<p class="quiet">${contentType}</p><pre>${schemaText(schema, named)}</pre>${
        example === undefined
          ? ""
          : html`<p class="quiet">For example</p><pre>${JSON.stringify(example, null, 2)}</pre>`
      }`,
  );
  return html`<details><summary>${title}</summary>${bodies}</details>`;
}

export const showProblems: Handler = () =>
  htmlResponse(
    "Problems",
    html`<h1>Problems</h1>
<p>Errors are <code>application/problem+json</code> (RFC 9457). <code>type</code> leads here, <code>detail</code> says what
went wrong this time, <code>errors</code> lists the fields that do not fit, and <code>trace_id</code> finds the request in
the log. <a href="/docs">All routes</a></p>
<table>${Object.entries(PROBLEMS).map(
      ([type, [status, title]]) =>
        html`<tr id="${type}"><td><code>${type}</code></td><td>${status}</td><td>${title}</td></tr>`,
    )}</table>`,
  );
