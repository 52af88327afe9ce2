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
  private static opened = 0;
  /** Of the temporary table. No two tables of a process have the same: see `drop`. */
  readonly table: string;
  private readonly duckdb: DuckDBConnection;
  private readonly types: readonly DuckDBType[];
  private readonly columns: DuckDBValue[][];
  private readonly appender: DuckDBAppender;
  private waiting = 0;

  private constructor(
    duckdb: DuckDBConnection,
    table: string,
    types: readonly DuckDBType[],
    appender: DuckDBAppender,
  ) {
    this.duckdb = duckdb;
    this.table = table;
    this.types = types;
    this.columns = types.map(() => []);
    this.appender = appender;
  }

  /** Makes a temporary table, empty. */
  static async open(
    duckdb: DuckDBConnection,
    columns: Readonly<Record<string, DuckDBType>>,
  ): Promise<ColumnLoader> {
    const table = `loaded_${++ColumnLoader.opened}`;
    const definitions = Object.entries(columns).map(([name, type]) => `"${name}" ${type}`);
    await duckdb.run(`CREATE TEMP TABLE "${table}" (${definitions.join(", ")})`);
    const appender = await duckdb.createAppender(table);
    return new ColumnLoader(duckdb, table, Object.values(columns), appender);
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

  /**
   * Deletes the table, finished or not. An appender holds rows back, and one that is left to the garbage collector writes them
   * when it is collected, into whichever table has its table's name by then.
   */
  async drop(): Promise<void> {
    this.appender.closeSync();
    await this.duckdb.run(`DROP TABLE "${this.table}"`);
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
