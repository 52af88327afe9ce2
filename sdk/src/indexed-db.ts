/** IndexedDB's requests and transactions as promises. */

/** Opens a database of version 1; `create` makes its tables the first time. */
export function openDatabase(
  name: string,
  create: (database: IDBDatabase) => void,
): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => create(request.result);
  return resultOf(request);
}

export function resultOf<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Resolves once the transaction is on its way to the disk; rejects when none of it happened. */
export function committed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}

/** The different keys of an index, in order. */
export function uniqueKeys(index: IDBIndex): Promise<string[]> {
  const keys: string[] = [];
  const request = index.openKeyCursor(null, "nextunique");
  return new Promise((resolve, reject) => {
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const cursor = request.result;
      if (cursor) {
        keys.push(String(cursor.key));
        cursor.continue();
      } else {
        resolve(keys);
      }
    };
  });
}
