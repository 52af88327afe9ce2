/** A simulation as one HTML file that needs nothing beside it. */
import { html, raw } from "hono/html";
import { chartsOf } from "./charts.ts";
import { ELASTICITY_FORMULA, type SimulationReport } from "./report.ts";
import {
  counted,
  MOVERS_HEAD,
  moverRows,
  priceRows,
  REVENUE_HEAD,
  revenueRows,
} from "./report-text.ts";

const STYLE = `
  body { font: 15px/1.5 system-ui, sans-serif; color: #1f2933; max-width: 760px; margin: 2rem auto; padding: 0 1rem; }
  h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
  table { border-collapse: collapse; } th, td { padding: 0.2rem 0.8rem 0.2rem 0; text-align: right; font-variant-numeric: tabular-nums; }
  th:first-child, td:first-child, table.names td:nth-child(2), table.names th:nth-child(2) { text-align: left; }
  th { border-bottom: 1px solid #cbd2d9; font-weight: 600; } svg { max-width: 100%; height: auto; }
  .about { color: #52606d; }
`;

export async function simulationHtml(report: SimulationReport): Promise<string> {
  const { rules, movers } = report;
  const page = await html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Simulation of ${rules.after}</title><style>${raw(STYLE)}</style></head>
<body>
<h1>${rules.after} against ${rules.before}</h1>
<p class="about">${report.from} to ${report.until}, every ${report.every_minutes} min, ${report.regions} regions:
${counted(report.decisions)} decisions.</p>
<h2>Prices</h2>
${table(["", "before", "after"], priceRows(report))}
<h2>Revenue</h2>
${table(REVENUE_HEAD, revenueRows(report))}
<p class="about">${ELASTICITY_FORMULA}, elasticity ${report.elasticity}.</p>
${chartsOf(report).map(({ title, svg }) => html`<h2>${title}</h2>${raw(svg)}`)}
<h2>Biggest movers</h2>
${table(MOVERS_HEAD, moverRows(movers.places), "names")}
<h2>Biggest movers by hour</h2>
${table(MOVERS_HEAD, moverRows(movers.hours), "names")}
<h2>What this rests on</h2>
<ul>${report.assumptions.map((sentence) => html`<li>${sentence}</li>`)}</ul>
</body>
</html>
`;
  return page.toString();
}

function table(head: readonly string[], rows: readonly (readonly string[])[], kind = "numbers") {
  return html`<table class="${kind}"><thead><tr>${head.map((title) => html`<th>${title}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table>`;
}
