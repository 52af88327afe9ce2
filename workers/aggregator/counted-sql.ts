/** What is used of an object's SQL. */
export type Sql = Pick<SqlStorage, "exec">;

/** An object's SQL, with a count of what is billed: rows written, whether inserted, changed or deleted. */
export class CountedSql implements Sql {
  private readonly sql: Sql;
  private rowsWritten = 0;

  constructor(sql: Sql) {
    this.sql = sql;
  }

  exec<Row extends Record<string, SqlStorageValue>>(
    query: string,
    ...bindings: unknown[]
  ): SqlStorageCursor<Row> {
    const cursor = this.sql.exec<Row>(query, ...bindings);
    this.rowsWritten += cursor.rowsWritten;
    return cursor;
  }

  /** Counts an alarm that was set, which is billed as a row. */
  alarmWasSet(): void {
    this.rowsWritten++;
  }

  /** Rows written since the last call. */
  takeRowsWritten(): number {
    const { rowsWritten } = this;
    this.rowsWritten = 0;
    return rowsWritten;
  }
}
