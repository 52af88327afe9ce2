import {
  type DuckDBAppender,
  type DuckDBConnection,
  DuckDBDataChunk,
  type DuckDBType,
  type DuckDBValue,
} from "@duckdb/node-api";

/** Rows that DuckDB takes at once. */
const CHUNK_ROWS = 2_048;

/** A table that is filled row by row and read by SQL; column values wait in arrays until a chunk is full. */
export class ColumnLoader {
  private readonly types: readonly DuckDBType[];
  private readonly columns: DuckDBValue[][];
  private readonly appender: DuckDBAppender;
  private waiting = 0;

  private constructor(types: readonly DuckDBType[], appender: DuckDBAppender) {
    this.types = types;
    this.columns = types.map(() => []);
    this.appender = appender;
  }

  /** Makes the temporary table anew, empty. */
  static async open(
    duckdb: DuckDBConnection,
    table: string,
    columns: Readonly<Record<string, DuckDBType>>,
  ): Promise<ColumnLoader> {
    const definitions = Object.entries(columns).map(([name, type]) => `"${name}" ${type}`);
    await duckdb.run(`CREATE OR REPLACE TEMP TABLE "${table}" (${definitions.join(", ")})`);
    return new ColumnLoader(Object.values(columns), await duckdb.createAppender(table));
  }

  /** Appends a row, its values in the order of the columns. */
  add(...values: DuckDBValue[]): void {
    for (let column = 0; column < values.length; column++) {
      this.columns[column]?.push(values[column] ?? null);
    }
    if (++this.waiting === CHUNK_ROWS) this.flush();
  }

  /** After it the table holds every row, and no more can be added. */
  finish(): void {
    this.flush();
    this.appender.closeSync();
  }

  private flush(): void {
    if (this.waiting === 0) return;
    const chunk = DuckDBDataChunk.create(this.types, this.waiting);
    chunk.setColumns(this.columns);
    this.appender.appendDataChunk(chunk);
    for (const column of this.columns) column.length = 0;
    this.waiting = 0;
  }
}
