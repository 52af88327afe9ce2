/** Numbers names 0, 1, 2, ... in the order in which they first come. */
export class Dictionary {
  readonly names: string[] = [];
  private readonly indices = new Map<string, number>();

  indexOf(name: string): number {
    let index = this.indices.get(name);
    if (index === undefined) {
      index = this.names.length;
      this.names.push(name);
      this.indices.set(name, index);
    }
    return index;
  }
}
