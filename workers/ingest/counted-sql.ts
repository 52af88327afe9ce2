type Binding = SqlStorageValue | Uint8Array;

/** An object's SQL, with a count of what is billed: rows written, whether inserted, changed or deleted. */
export class CountedSql {
  /** Since the object was started. */
  rowsWritten = 0;
  private readonly sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.sql = sql;
  }

  read<Row extends Record<string, SqlStorageValue>>(
    query: string,
    ...bindings: Binding[]
  ): SqlStorageCursor<Row> {
    return this.sql.exec<Row>(query, ...bindings);
  }

  write(query: string, ...bindings: Binding[]): void {
    this.rowsWritten += this.sql.exec(query, ...bindings).rowsWritten;
  }

  /** Adds a column to a table that an earlier version made without it. `column` is its definition. */
  addColumn(table: string, column: string): void {
    const [name] = column.split(" ");
    const known = this.read("SELECT 1 FROM pragma_table_info(?) WHERE name = ?", table, name ?? "");
    if (known.toArray().length > 0) return;
    this.write(`ALTER TABLE ${table} ADD COLUMN ${column}`);
  }
}
