import { mkdir, readdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { DuckDBInstance } from "@duckdb/node-api";
import { type ColumnKind, writeColumns } from "../parquet-columns.ts";

/**
 * Derives the tables of an online shop from its published invoice lines:
 *
 *     node data/online-retail/build.ts --source <folder with online_retail.csv.gz> [--out data/online-retail]
 */

const FILE = "online_retail.csv.gz";
const ABOUT =
  "Invoice lines of a British online shop, December 2010 to December 2011: UCI, Online Retail";
/** The products with the highest revenue of those that sold on so many days. */
const PRODUCTS = 24;
const LEAST_DAYS = 200;

const LINES = `
  CREATE TABLE lines AS
  SELECT StockCode AS stock_code, Description AS description, Quantity::INT AS quantity,
    InvoiceDate::DATE AS day, round(UnitPrice::DOUBLE * 100)::INT AS price_pence
  FROM read_csv($csv, nullstr = 'NA', types = {'InvoiceNo': 'VARCHAR', 'StockCode': 'VARCHAR', 'CustomerID': 'VARCHAR'})
  WHERE regexp_matches(StockCode, '^[0-9]{5}[A-Z]*$') AND UnitPrice > 0`;

/** `list_price_pence` is what most lines of the first three months paid. */
const SOLD = `
  CREATE TABLE products AS
  SELECT row_number() OVER (ORDER BY revenue DESC) - 1 AS product, *
  FROM (
    SELECT stock_code, mode(description) AS description,
      mode(price_pence) FILTER (quantity > 0 AND day < DATE '2011-03-01') AS list_price_pence,
      sum(quantity * price_pence) AS revenue
    FROM lines GROUP BY stock_code
    HAVING count(DISTINCT day) >= ${LEAST_DAYS} ORDER BY revenue DESC LIMIT ${PRODUCTS})`;

const SALES = `
  SELECT product::INT AS product, epoch_ms(day)::DOUBLE AS day_at, price_pence,
    count(*) FILTER (quantity > 0)::INT AS lines,
    coalesce(sum(quantity) FILTER (quantity > 0), 0)::INT AS units,
    coalesce(-sum(quantity) FILTER (quantity < 0), 0)::INT AS units_returned
  FROM lines JOIN products USING (stock_code)
  GROUP BY ALL ORDER BY product, day_at, price_pence`;

const KINDS: Record<string, ColumnKind> = { day_at: "instant" };

const { values } = parseArgs({
  options: { source: { type: "string" }, out: { type: "string", default: import.meta.dirname } },
});
if (values.source === undefined) {
  throw new Error(
    "--source must name the folder that holds the published file; see data/README.md",
  );
}
const names = await readdir(values.source, { recursive: true });
const file = names.find((name) => basename(name) === FILE);
if (file === undefined)
  throw new Error(`${FILE} is not in ${values.source}; data/README.md says where to get it`);
const connection = await (await DuckDBInstance.create(":memory:")).connect();
await connection.run(LINES, { csv: join(values.source, file) });
await connection.run(SOLD);

await mkdir(values.out, { recursive: true });
const products = await connection.runAndReadAll(
  "SELECT stock_code, trim(description) AS description, list_price_pence FROM products ORDER BY product",
);
await writeFile(
  join(values.out, "products.json"),
  `${JSON.stringify(products.getRowObjectsJson(), null, 2)}\n`,
);
const sales = await connection.runAndReadAll(SALES);
const columns = Object.entries(sales.getColumnsObject()).map(([name, column]) => ({
  name,
  kind: KINDS[name] ?? ("integer" as const),
  values: column.map(Number),
}));
await writeColumns(join(values.out, "sales-daily.parquet"), columns, ABOUT);
const report = { products: products.currentRowCount, rows: sales.currentRowCount };
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
